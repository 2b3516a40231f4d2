"""One caller's request serves all who ask for the same thing meanwhile: threads and asyncio tasks alike.

The request flies on a daemon thread of its own, so that every caller can leave at a deadline of its own, the request
still lands for those who ask later, and the end of the program waits for none of it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

from langfuse_otel import fork
from langfuse_otel.errors import TimedOutError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """At most one flight a key at any time. After a fork, the child begins without flights."""

    def __init__(self) -> None:
        self._flights: dict[K, Future[V]] = {}
        self._lock = threading.RLock()
        fork.register(self)

    def start(self, key: K, fetch: Callable[[], V]) -> Future[V]:
        """The flight for ``key``: the one in the air, or a new one that runs ``fetch``. Does not wait."""
        flight, is_new = self._board(key)
        if is_new:
            thread = threading.Thread(target=self._fly, args=(key, flight, fetch), name="langfuse-fetch", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more threads: the limit is reached, or the interpreter is shutting down
                self._fly(key, flight, fetch)
        return flight

    def in_the_air(self, key: K) -> bool:
        """Whether a flight for ``key`` is under way."""
        return key in self._flights

    def run(self, key: K, fetch: Callable[[], V]) -> None:
        """Make the flight on this thread, unless one is in the air already. Its outcome goes to whoever joined it."""
        flight, is_new = self._board(key)
        if is_new:
            self._fly(key, flight, fetch)

    def forget(self, which: Callable[[K], bool]) -> None:
        """Let later callers begin new flights for these keys; who waits already still gets the old one's outcome."""
        with self._lock:
            for key in [key for key in self._flights if which(key)]:
                del self._flights[key]

    def after_fork_child(self) -> None:
        """The parent's flights have no thread here and would never land."""
        self._lock = threading.RLock()
        self._flights = {}

    def _board(self, key: K) -> tuple[Future[V], bool]:
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            flight = Future()
            flight.set_running_or_notify_cancel()  # from here on no waiter can cancel it for the others
            self._flights[key] = flight
            return flight, True

    def _fly(self, key: K, flight: Future[V], fetch: Callable[[], V]) -> None:
        try:
            outcome = fetch()
        except BaseException as error:
            self._land(key, flight)
            flight.set_exception(error)
        else:
            self._land(key, flight)
            flight.set_result(outcome)

    def _land(self, key: K, flight: Future[V]) -> None:
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]


def wait(flight: Future[V], timeout_s: float) -> V:
    """What the flight brings; blocks the thread.

    Raises:
        TimedOutError: It has not landed in time. It flies on.
        Exception: It failed; every waiter gets this error.
    """
    try:
        return flight.result(timeout_s)
    except concurrent.futures.TimeoutError:
        if flight.done():
            raise  # the flight's own error
        raise _late(timeout_s) from None


async def wait_async(flight: Future[V], timeout_s: float) -> V:
    """The same for a task on an asyncio event loop; the loop runs on meanwhile."""
    try:
        return await asyncio.wait_for(asyncio.wrap_future(flight), timeout_s)
    except asyncio.TimeoutError:
        if flight.done():
            raise
        raise _late(timeout_s) from None


def _late(timeout_s: float) -> TimedOutError:
    return TimedOutError(f"no answer within {timeout_s:g} s")
