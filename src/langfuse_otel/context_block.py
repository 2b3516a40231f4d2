"""A block in which the OpenTelemetry context says more: ``with``, ``async with``, or a decorator."""

from __future__ import annotations

import copy
import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextvars import Token
from types import TracebackType
from typing import Any, TypeVar, cast

from opentelemetry import context as otel_context
from opentelemetry.context import Context

F = TypeVar("F", bound=Callable[..., Any])


class ContextBlock(ABC):
    """What a block does to the context is its subclass's; how it is entered and left is here.

    Decorates functions and coroutine functions. Blocks nest, also a block within itself.
    """

    def __init__(self) -> None:
        self._tokens: list[Token[Context]] = []

    @abstractmethod
    def _changed(self, context: Context) -> Context:
        """The context inside the block, from that around it."""

    def __enter__(self) -> None:
        self._tokens.append(otel_context.attach(self._changed(otel_context.get_current())))

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

    def _again(self) -> ContextBlock:
        """A block of its own for each call: a decorated function may run in many threads at once."""
        block = copy.copy(self)
        block._tokens = []
        return block
