"""Methods for asyncio, made of those for threads where these do nothing but wait."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from langfuse_otel.prompts.caller import in_callers_context
from langfuse_otel.resilience.single_flight import SingleFlight

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")


def twin(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """The method for asyncio, called ``a`` and its name."""

    async def made(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await off_loop(functools.partial(method, self, *args, **kwargs))

    made.__name__ = f"a{method.__name__}"
    made.__doc__ = f"``{method.__name__}`` for asyncio: the event loop runs on."
    return made


async def off_loop(call: Callable[[], T]) -> T:
    """What the call returns. On a daemon thread, so that neither the loop nor the end of the program waits for it."""
    flights: SingleFlight[None, T] = SingleFlight()  # of one flight each: two writes are two writes
    return await asyncio.wrap_future(flights.start(None, in_callers_context(call)))
