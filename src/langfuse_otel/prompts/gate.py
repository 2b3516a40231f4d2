"""The way to a store: shut at its first failure, and opened again by a look in the background that nobody waits for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from langfuse_otel import fork, log
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.prompts.counters import PromptCounters
from langfuse_otel.prompts.stores.base import Store, StoreKey
from langfuse_otel.resilience.backoff import Backoff
from langfuse_otel.resilience.breaker import CircuitBreaker

_FIRST_LOOK = Backoff(initial_s=0.2, max_s=5.0)
_PROBE_KEY = StoreKey("probe", "probe")
_LATE = TimeoutError.__name__  # that of redis-py is called the same
_SHUT_S = 365 * 24 * 3600.0  # not time opens it, but the look

T = TypeVar("T")


class StoreShutError(Exception):
    """The store did not answer, or was not asked as it did not before.

    Attributes:
        is_late: What it failed with was a timeout: it may be there, and only slow.
    """

    def __init__(self, *, is_late: bool = False) -> None:
        super().__init__()
        self.is_late = is_late


class StoreGate:
    """Calls a store, as long as it answers.

    Args:
        store: The store.
        counters: Its failures are counted there.
        clock: For the breaker.

    Attributes:
        breaker: Open while the store is passed over.
    """

    def __init__(self, store: Store, *, counters: PromptCounters, clock: Clock = SYSTEM_CLOCK) -> None:
        self.breaker = CircuitBreaker(failures=1, open_s=_SHUT_S, successes=1, clock=clock)
        self._store = store
        self._counters = counters
        self._closed = threading.Event()
        self._looking = False
        fork.register(self)

    def call(self, ask: Callable[[], T]) -> T:
        """What ``ask`` returns, which talks to the store.

        Raises:
            StoreShutError: It failed, or was not asked.
        """
        permit = self.breaker.try_acquire()
        if not permit:
            raise StoreShutError(is_late=self.breaker.last_error == _LATE)
        try:
            answer = ask()
        except Exception as error:  # a store may be anyone's code
            kind = type(error).__name__
            self.breaker.failed(kind, permit)
            self._report(error)
            self._look_later()
            raise StoreShutError(is_late=kind == _LATE) from None
        self.breaker.succeeded(permit)
        return answer

    def close(self) -> None:
        """Look no more."""
        self._closed.set()

    def after_fork_child(self) -> None:
        """The thread that looks did not come along, and the breaker begins closed."""
        self._closed = threading.Event()
        self._looking = False

    def _report(self, error: Exception) -> None:
        name = self._store.name
        self._counters.store_failed(name)
        message = "the %s store of prompts does not answer and is passed over until it does: %s: %.200s"
        log.limited(logging.WARNING, f"prompt-store:{name}", message, name, type(error).__name__, error)

    def _look_later(self) -> None:
        if self._looking:
            return
        self._looking = True
        thread = threading.Thread(target=self._look, name=f"langfuse-prompt-store-{self._store.name}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads, or the interpreter is shutting down: the next caller finds out
            self._looking = False
            self.breaker.reset()

    def _look(self) -> None:
        attempt = 0
        while not self._closed.wait(_FIRST_LOOK.pause_s(attempt) or 0.0):
            attempt += 1
            try:
                self._store.get(_PROBE_KEY)
            except Exception:  # said already
                continue
            break
        self._looking = False
        self.breaker.reset()
