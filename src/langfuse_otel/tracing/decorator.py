"""A function as an observation: sync, async, generators and async generators."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, TypeVar, cast, overload

from opentelemetry import trace

from langfuse_otel.observation import ObservationType
from langfuse_otel.tracing.fields import GenerationFields
from langfuse_otel.tracing.live import LiveObservation
from langfuse_otel.tracing.start import begin

F = TypeVar("F", bound=Callable[..., Any])

_MAX_ITEMS = 1_000  # of a generator's, kept for its output


@overload
def observe(function: F) -> F: ...
@overload
def observe(
    function: None = ...,
    *,
    name: str | None = ...,
    type: ObservationType = ...,
    capture_input: bool = ...,
    capture_output: bool = ...,
) -> Callable[[F], F]: ...
def observe(
    function: F | None = None,
    *,
    name: str | None = None,
    type: ObservationType = "span",  # noqa: A002  # Langfuse's word
    capture_input: bool = True,
    capture_output: bool = True,
) -> F | Callable[[F], F]:
    """Make each call of a function an observation, with its arguments as input and its result as output.

    What a generator yields goes through as it is; the observation ends with it, also when it is closed early or
    collected. The code inside a generator is a child of the observation, the code between two of its values is not.

    Args:
        function: With nothing else given, the function itself: ``@observe``.
        name: By default the function's.
        type: ``span``, ``generation``, ``agent``, ``tool``, ``chain`` …
        capture_input: Whether to record the arguments; ``self`` and ``cls`` never are.
        capture_output: Whether to record the result; of a generator the values, joined if all are text, 1,000 at most.
    """

    def decorate(function: F) -> F:
        observed = _Observed(function, name or function.__name__, type, capture_input, capture_output)
        if inspect.isasyncgenfunction(function):
            wrapped = observed.asynchronous_generator
        elif inspect.isgeneratorfunction(function):
            wrapped = observed.generator
        elif inspect.iscoroutinefunction(function):
            wrapped = observed.coroutine
        else:
            wrapped = observed.call
        return cast("F", functools.wraps(function)(wrapped(function)))

    return decorate if function is None else decorate(function)


class _Observed:
    """One shell for each kind of function; what they have in common is here."""

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        kind: ObservationType,
        captures_input: bool,
        captures_output: bool,
    ) -> None:
        self._name = name
        self._kind: ObservationType = kind
        self._captures_input = captures_input
        self._captures_output = captures_output
        self._signature = inspect.signature(function)

    def _begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveObservation:
        fields = GenerationFields(input=self._arguments(args, kwargs)) if self._captures_input else GenerationFields()
        return begin(self._name, self._kind, fields)

    def _arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        try:
            named = dict(self._signature.bind(*args, **kwargs).arguments)
        except TypeError:  # the call itself is about to say so
            return {"args": args, "kwargs": dict(kwargs)}
        first = next(iter(self._signature.parameters), None)
        if first in ("self", "cls"):
            named.pop(first, None)
        return named

    def _tell(self, observation: LiveObservation, output: Any) -> None:
        if self._captures_output:
            observation.update(output=output)

    def call(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            with self._begin(args, kwargs) as observation:
                result = function(*args, **kwargs)
                self._tell(observation, result)
                return result

        return called

    def coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            with self._begin(args, kwargs) as observation:
                result = await function(*args, **kwargs)
                self._tell(observation, result)
                return result

        return awaited

    def generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def generated(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            stream = _Stream(self._begin(args, kwargs), self._captures_output)
            inner = function(*args, **kwargs)
            step, given = inner.send, None
            with stream:
                while True:
                    try:
                        with stream.inside():
                            item = step(given)
                    except StopIteration as stop:
                        return stop.value
                    stream.add(item)
                    try:
                        step, given = inner.send, (yield item)
                    except GeneratorExit:
                        inner.close()
                        raise
                    except BaseException as error:
                        step, given = inner.throw, error

        return generated

    def asynchronous_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def generated(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            stream = _Stream(self._begin(args, kwargs), self._captures_output)
            inner = function(*args, **kwargs)
            step, given = inner.asend, None
            with stream:
                while True:
                    try:
                        with stream.inside():
                            item = await step(given)
                    except StopAsyncIteration:
                        return
                    stream.add(item)
                    try:
                        step, given = inner.asend, (yield item)
                    except GeneratorExit:
                        await inner.aclose()
                        raise
                    except BaseException as error:
                        step, given = inner.athrow, error

        return generated


class _Stream:
    """What a generator yields, and the observation that ends with it.

    The observation is the current one only while the generator's own code runs: between two values the code of
    whoever iterates does, perhaps in another context.
    """

    def __init__(self, observation: LiveObservation, captures: bool) -> None:
        self._observation = observation
        self._captures = captures
        self._items: list[Any] = []

    def inside(self) -> AbstractContextManager[object]:
        """The generator's own code."""
        return trace.use_span(self._observation.span, record_exception=False, set_status_on_exception=False)

    def add(self, item: Any) -> None:
        """Note a value."""
        if self._captures and len(self._items) < _MAX_ITEMS:
            self._items.append(item)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        items = self._items
        output = "".join(items) if items and all(isinstance(item, str) for item in items) else items or None
        self._observation.end(output=output, error=None if isinstance(error, GeneratorExit) else error)
