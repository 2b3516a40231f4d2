"""Stops asking a server that keeps failing, and finds out with single requests whether it is back.

                 failures in a row
       ┌────────┐ ──────────────▶ ┌──────┐ ◀─────────────────┐
──────▶│ closed │                 │ open │                   │ the probe failed
       └────────┘                 └──────┘ ──────────▶ ┌───────────┐
           ▲                        its time is over,  │ half-open │
           └───────────────────────────────────────────└───────────┘
             successes in a row            or probe_now
"""

from __future__ import annotations

import enum
import logging
import random
import threading
from collections import deque
from collections.abc import Callable

from langfuse_otel import fork, log
from langfuse_otel.clock import SYSTEM_CLOCK, Clock

JITTER = 0.2
"""Share of ``open_s`` added at most, at random: a fleet that failed together must not come back together."""


class BreakerState(str, enum.Enum):
    """Which requests may go."""

    CLOSED = "closed"  # all
    OPEN = "open"  # none
    HALF_OPEN = "half_open"  # one at a time, as a probe


OnChange = Callable[[BreakerState, BreakerState, str | None], object]
"""Called with the old state, the new one, and the error when that is ``OPEN``."""


class CircuitBreaker:
    """A state machine over a clock, without I/O or threads of its own; every method may be called from any thread.

    Ask ``try_acquire`` before a request and tell one of ``succeeded``, ``failed`` and ``cancelled`` after it. What it
    returned may be handed back with that, as ``permit``: then the verdict on a request that began before the last
    change of state counts for nothing. It told of another time, and a change is counted once. Without a permit, only
    verdicts that come while the breaker is open, or half-open without a probe, are known to be late.

    Args:
        failures: In a row, that open it.
        open_s: Seconds for which it stays open; up to a fifth is added at random.
        successes: Probes in a row that close it again. A probe of which nothing is heard for ``open_s`` is given up,
            and the next may go.
        clock: Time.
        on_change: Called after each change of state, in their order and without a lock held, by the thread that made
            the change or noticed it, or by one that is calling already. An error that it raises is logged.
        rng: Gives numbers from 0 to below 1, for the jitter.
    """

    def __init__(
        self,
        *,
        failures: int = 5,
        open_s: float = 30.0,
        successes: int = 2,
        clock: Clock = SYSTEM_CLOCK,
        on_change: OnChange | None = None,
        rng: Callable[[], float] = random.random,
    ) -> None:
        self._failures_to_open = failures
        self._open_s = open_s
        self._successes_to_close = successes
        self._clock = clock
        self._on_change = on_change
        self._rng = rng
        self.after_fork_child()
        fork.register(self)

    def after_fork_child(self) -> None:
        """Closed, with locks of the child's own; the child finds out by itself how the server is. Calls nobody."""
        self._lock = threading.RLock()  # re-entrant, as a signal handler may interrupt its own thread in here
        self._telling = threading.Lock()
        self._changes: deque[tuple[BreakerState, BreakerState, str | None]] = deque()
        self._state = BreakerState.CLOSED
        self._since = self._clock.wall()
        self._last_error: str | None = None
        self._permit = 1  # of the requests whose verdicts count
        self._in_a_row = 0  # failures while closed, successes while half-open
        self._barred_until = 0.0  # while open: its end; while half-open: when the probe under way is given up

    @property
    def state(self) -> BreakerState:
        """The state now. ``OPEN`` becomes ``HALF_OPEN`` when somebody asks after its time is over."""
        with self._lock:
            self._notice_time()
            state = self._state
        self._tell()
        return state

    @property
    def since(self) -> float:
        """When this state began, seconds since the epoch."""
        return self._since

    @property
    def last_error(self) -> str | None:
        """What the last failure was that counted; None when there was none. Stays after the breaker has closed."""
        return self._last_error

    def try_acquire(self) -> int:
        """The permit for a request that begins now, or 0 (false): not now."""
        with self._lock:
            wait_s = self._left_s()
            permit = 0 if wait_s > 0 else self._permit
            if permit and self._state is BreakerState.HALF_OPEN:
                permit = self._permit = self._permit + 1
                self._barred_until = self._clock.monotonic() + self._open_s
        self._tell()
        return permit

    def wait_s(self) -> float:
        """Seconds until a request may go; 0 when one may go now. A probe's verdict can shorten them."""
        with self._lock:
            wait_s = self._left_s()
        self._tell()
        return wait_s

    def succeeded(self, permit: int | None = None) -> None:
        """The server answered as it should."""
        with self._lock:
            if not self._counts(permit):
                return
            if self._state is BreakerState.CLOSED:
                self._in_a_row = 0
            else:
                self._end_probe()
                self._in_a_row += 1
                if self._in_a_row >= self._successes_to_close:
                    self._change(BreakerState.CLOSED)
        self._tell()

    def failed(self, error: str, permit: int | None = None) -> None:
        """It did not, in a way that speaks against the server and not against the request."""
        with self._lock:
            if not self._counts(permit):
                return
            self._last_error = error
            self._in_a_row += 1
            if self._state is BreakerState.HALF_OPEN or self._in_a_row >= self._failures_to_open:
                self._open()
        self._tell()

    def cancelled(self, permit: int | None = None) -> None:
        """The request came to no verdict; if it was a probe, another may go."""
        with self._lock:
            if self._counts(permit) and self._state is BreakerState.HALF_OPEN:
                self._end_probe()

    def reset(self) -> None:
        """Close by hand, whatever the state, and forget the failures so far."""
        with self._lock:
            self._change(BreakerState.CLOSED)
        self._tell()

    def probe_now(self) -> None:
        """End an open breaker's time: the process is about to end, and this is the last chance."""
        with self._lock:
            if self._state is BreakerState.OPEN:
                self._change(BreakerState.HALF_OPEN)
        self._tell()

    # --- With the lock held -------------------------------------------------------------------------------------------

    def _left_s(self) -> float:
        self._notice_time()
        return max(0.0, self._barred_until - self._clock.monotonic())

    def _notice_time(self) -> None:
        if self._state is BreakerState.OPEN and self._clock.monotonic() >= self._barred_until:
            self._change(BreakerState.HALF_OPEN)

    def _counts(self, permit: int | None) -> bool:
        """Whether a verdict is on a request of this time."""
        if permit is not None:
            return permit == self._permit  # none was given out for an open breaker
        if self._state is BreakerState.HALF_OPEN:
            return self._barred_until > 0
        return self._state is BreakerState.CLOSED

    def _end_probe(self) -> None:
        self._barred_until = 0.0
        self._permit += 1  # one verdict a probe

    def _open(self) -> None:
        self._change(BreakerState.OPEN, self._clock.monotonic() + self._open_s * (1 + JITTER * self._rng()))

    def _change(self, state: BreakerState, barred_until: float = 0.0) -> None:
        self._permit += 1
        self._in_a_row = 0
        self._barred_until = barred_until
        if state is not self._state:
            error = self._last_error if state is BreakerState.OPEN else None
            self._changes.append((self._state, state, error))
            self._since = self._clock.wall()
            self._state = state

    # --- Without ------------------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        while self._changes and self._telling.acquire(blocking=False):
            try:
                while self._changes:
                    self._call(*self._changes.popleft())
            finally:
                self._telling.release()

    def _call(self, old: BreakerState, new: BreakerState, error: str | None) -> None:
        if self._on_change is None:
            return
        try:
            self._on_change(old, new, error)
        except Exception as problem:  # the user's callback; the request that made the change goes on
            log.limited(logging.WARNING, "breaker.on_change", "a circuit breaker's callback failed: %s", problem)
