"""Which prompt made which text.

``compile()`` of a prompt remembers its result here; an instrumented call that sends that very text finds the prompt
again and links it, with no argument passed through the application. Lies below both the prompt client and the
instrumentation toolkit, so neither needs the other.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextvars import Token
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, TypeVar, cast

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from langfuse_otel import fork

_MAX_TEXTS = 4_096
_MIN_CHARACTERS = 8  # shorter texts ("yes", "hello") occur without any prompt and would link by accident
_CONTEXT_KEY = otel_context.create_key("langfuse-prompt")

F = TypeVar("F", bound="Callable[..., Any]")


@dataclass(frozen=True, slots=True)
class PromptRef:
    """A prompt's identity in Langfuse: ``version`` counts from 1."""

    name: str
    version: int


class HasPromptIdentity(Protocol):
    """Anything with a prompt's name and version, for example what ``Prompts.get`` returns."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...


class _Table:
    """Text → prompt, least recently compiled out first. Keeps a text's hash and length, not the text itself."""

    def __init__(self, max_texts: int) -> None:
        self._max_texts = max_texts
        self._prompts: OrderedDict[tuple[int, int], PromptRef] = OrderedDict()
        self._lock = threading.RLock()
        fork.register(self)

    def after_fork_child(self) -> None:
        self._lock = threading.RLock()  # the inherited one may be held by a thread that is not here

    def put(self, text: str, prompt: PromptRef) -> None:
        key = (len(text), hash(text))
        with self._lock:
            self._prompts[key] = prompt
            self._prompts.move_to_end(key)
            while len(self._prompts) > self._max_texts:
                self._prompts.popitem(last=False)

    def get(self, text: str) -> PromptRef | None:
        if not self._prompts:
            return None
        return self._prompts.get((len(text), hash(text)))


_table = _Table(_MAX_TEXTS)


def remember(text: str, prompt: PromptRef) -> None:
    """Note that ``prompt`` compiled to ``text``. Keeps the newest 4,096 texts, none under 8 characters."""
    if len(text) >= _MIN_CHARACTERS:
        _table.put(text, prompt)


def recall(text: str) -> PromptRef | None:
    """The prompt that compiled to exactly this text, or None. No lock, no I/O."""
    return _table.get(text)


class using:  # noqa: N801  (reads as a function, like propagate_attributes)
    """Link every generation made inside the block to ``prompt``, also when its text was changed after compiling.

    Works as ``with``, as ``async with`` and as a decorator of functions and coroutine functions, and around awaits: the
    link lives in the OpenTelemetry context. The innermost block counts.

    A fallback (``prompt.is_fallback``) is no prompt of Langfuse's: inside its block this links nothing, not even to the
    prompt of a block around it, which did not make the text.

    Args:
        prompt: What ``Prompts.get`` returns, a prompt of Langfuse's SDK, or a ``PromptRef``.
    """

    def __init__(self, prompt: HasPromptIdentity) -> None:
        is_fallback = getattr(prompt, "is_fallback", False)
        self._ref = None if is_fallback else PromptRef(prompt.name, prompt.version)
        self._tokens: list[Token[Context]] = []

    def __enter__(self) -> None:
        self._tokens.append(otel_context.attach(otel_context.set_value(_CONTEXT_KEY, self._ref)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        otel_context.detach(self._tokens.pop())

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def _again(self) -> using:
        """A fresh block for the same prompt, because a decorated function may run in many threads at once."""
        block = object.__new__(using)
        block._ref, block._tokens = self._ref, []
        return block

    def __call__(self, function: F) -> F:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                with self._again():
                    return await cast("Callable[..., Awaitable[Any]]", function)(*args, **kwargs)

            return cast("F", awaited)

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return cast("F", called)


def current_prompt(context: Context | None = None) -> PromptRef | None:
    """The prompt of the innermost ``using`` block of this context; None when that is a fallback, or there is none."""
    ref = otel_context.get_value(_CONTEXT_KEY, context)
    return ref if isinstance(ref, PromptRef) else None
