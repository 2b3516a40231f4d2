"""Functions that run in a context of their own, for spans that begin and end in callbacks.

A callback cannot make its span current for the code that follows it: what it attached would leak, out of a generator
into the loop that reads it, or stay behind when the end is called back elsewhere. A wrapper around the code can. It
restores the caller's context at every return and every ``yield``, and keeps what was changed inside for the next read.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeAlias

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from langfuse_otel.instrumentation.call import Current
from langfuse_otel.instrumentation.guard import guarded
from langfuse_otel.instrumentation.shells import Method, Wrapper
from langfuse_otel.instrumentation.wrap import Replacement, find, watch

Inside: TypeAlias = Callable[[tuple[Any, ...], dict[str, Any]], Context]
"""Arguments of a call → the context to run it in."""

Cancelled: TypeAlias = Callable[[tuple[Any, ...], dict[str, Any], BaseException], None]
"""Gets the arguments of a call and the cancellation that ended it."""

_BRACKET = otel_context.create_key("langfuse-bracket")


def bracket() -> Context:
    """The current context, in which ``enter`` has an effect."""
    return otel_context.set_value(_BRACKET, True)


def without_bracket(context: Context) -> Context:
    """``context`` for the start of a span, whose own context must not be entered by others."""
    return otel_context.set_value(_BRACKET, None, context) if otel_context.get_value(_BRACKET, context) else context


def enter(context: Context) -> None:
    """Make ``context`` current until the function around us returns or yields, if that restores the one before."""
    if otel_context.get_value(_BRACKET):
        otel_context.attach(context)


def run_within(target: str, inside: Inside, cancelled: Cancelled | None = None) -> Replacement | None:
    """Have the function at ``target`` run within the context that ``inside`` gives, until the replacement is removed.

    Takes functions, coroutine functions, generator functions and async generator functions; of coroutine functions,
    ``cancelled`` is told of a cancellation, which not every framework calls back. None if the installed client has no
    such target.
    """
    place = find(target)
    if place is None:
        return None

    def is_active() -> bool:
        return replacement.is_active()

    replacement = Replacement(place, _wrapper(inspect.unwrap(place.found), inside, cancelled, is_active))
    return replacement


def run_all_within(targets: Iterable[str], inside: Inside, cancelled: Cancelled | None = None) -> Iterator[Replacement]:
    """``run_within`` for each of the targets that the installed client has."""
    for target in targets:
        replacement = guarded(f"patching {target}", partial(run_within, inside=inside, cancelled=cancelled), target)
        if replacement is not None:
            yield replacement


def enter_after(targets: Iterable[str], context: Callable[..., Context | None]) -> Iterator[Replacement]:
    """Have a context entered when a function returns that prepares, in a copy of the caller's, the one of a run.

    ``context`` gets the function's arguments; None enters nothing. The copy is thrown away: nothing is ever left.
    """

    def prepare(wrapped: Method, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        prepared = wrapped(*args, **kwargs)
        entered = guarded("entering a run", lambda given: context(*given, **kwargs), args)
        if entered is not None:
            otel_context.attach(entered)
        return prepared

    for target in targets:
        replacement = guarded(f"patching {target}", partial(watch, wrapper=prepare), target)
        if replacement is not None:
            yield replacement


def _wrapper(method: Method, inside: Inside, cancelled: Cancelled | None, is_active: Callable[[], bool]) -> Wrapper:
    def start(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Current | None:
        if not is_active():
            return None
        context = guarded("finding the context of a call", lambda given: inside(given, kwargs), args)
        return None if context is None else Current(context)

    def function(wrapped: Method, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        current = start(args, kwargs)
        if current is None:
            return wrapped(*args, **kwargs)
        with current:
            return wrapped(*args, **kwargs)

    async def coroutine(wrapped: Method, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        current = start(args, kwargs)
        if current is None:
            return await wrapped(*args, **kwargs)
        try:
            with current:
                return await wrapped(*args, **kwargs)
        except asyncio.CancelledError as error:
            if cancelled is not None:
                guarded("telling of a cancellation", partial(cancelled, args, kwargs), error)
            raise

    def generator(wrapped: Method, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Any]:
        items, current = wrapped(*args, **kwargs), start(args, kwargs)
        return items if current is None else _read(items, current)

    def async_generator(wrapped: Method, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        items, current = wrapped(*args, **kwargs), start(args, kwargs)
        return items if current is None else _read_async(items, current)

    if inspect.isasyncgenfunction(method):
        return async_generator
    if inspect.isgeneratorfunction(method):
        return generator
    return coroutine if inspect.iscoroutinefunction(method) else function


def _read(items: Any, current: Current) -> Iterator[Any]:
    try:
        while True:
            try:
                with current:
                    item = next(items)
                    current = Current(otel_context.get_current())
            except StopIteration:
                return
            yield item
    finally:
        with current:
            items.close()


async def _read_async(items: Any, current: Current) -> AsyncIterator[Any]:
    try:
        while True:
            try:
                with current:
                    item = await anext(items)
                    current = Current(otel_context.get_current())
            except StopAsyncIteration:
                return
            yield item
    finally:
        with current:
            await items.aclose()
