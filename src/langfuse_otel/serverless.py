"""For handlers whose process may be frozen or killed the moment they return, as in AWS Lambda."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast, overload

from langfuse_otel import log
from langfuse_otel.delivery import drain

_Function = TypeVar("_Function", bound=Callable[..., Any])


@overload
def flush_after(function: _Function, /) -> _Function: ...


@overload
def flush_after(*, timeout_s: float = ...) -> Callable[[_Function], _Function]: ...


def flush_after(function: Any = None, /, *, timeout_s: float = 2.0) -> Any:
    """Deliver what a function traced before each of its calls returns, also when it raises.

    A decorator, bare or with a timeout, for plain and for ``async`` functions. It waits for every exporter of ours in
    the process. Spans that a ``BatchSpanProcessor`` still holds are not ours yet: flush its provider first.

    Args:
        function: The handler.
        timeout_s: Longest that a call is held up, seconds. When that does not suffice, a line in the log says so; the
            spans stay, and are sent during the next call.

    Raises:
        TypeError: It is a generator function, whose calls return before its work begins.
    """
    if function is None:
        return functools.partial(flush_after, timeout_s=timeout_s)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"flush_after: {function!r} is a generator function; decorate what consumes it")
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def awaiting(*args: Any, **kwargs: Any) -> Any:
            import asyncio  # which whoever does not use it need not load

            try:
                return await function(*args, **kwargs)
            finally:
                await asyncio.to_thread(_flush, timeout_s)  # the event loop runs on meanwhile

        return cast(Any, awaiting)

    @functools.wraps(function)
    def calling(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        finally:
            _flush(timeout_s)

    return calling


def _flush(timeout_s: float) -> None:
    if not drain.flush_all(timeout_s):
        message = "%g s did not suffice to deliver the spans of a call; they wait for the next one"
        log.limited(logging.WARNING, "flush_after", message, timeout_s)
