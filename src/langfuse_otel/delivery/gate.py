"""When may the next request go? One answer for all workers of a pipeline."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import NamedTuple

from langfuse_otel import log
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.delivery.status import State
from langfuse_otel.delivery.traffic import Traffic
from langfuse_otel.resilience.backoff import Backoff
from langfuse_otel.resilience.breaker import CircuitBreaker
from langfuse_otel.transport.outcome import Held, RetryAfter

HOLD_S = 60.0
"""Between two attempts while a key or the address is wrong. Somebody has to put that right; asking faster won't."""

Deadline = Callable[[], float]
"""The instant on the monotonic clock at which to stop. Asked again and again, as a shutdown may bring it nearer."""

Wait = Callable[[float], object]
"""Sleeps for so many seconds or until there is news."""


class Pass(NamedTuple):
    """Leave for one request, given back with what came of it."""

    volley: int
    permit: int


class Gate:
    """Lets requests pass: all while the server takes them, else one at a time, after a pause.

    A pause is the longest of: what the server asked for (Retry-After), a backoff that grows with each failure in a row,
    and the breaker's time. Requests that were under way together and fail together are one failure.

    Every pass is given back by exactly one of ``succeeded``, ``failed`` and ``held``.

    Args:
        backoff: Pauses after failures.
        breaker: Opens after several of them.
        clock: Time.

    Attributes:
        on_news: Called when those that wait may go on.
        last_error: What went wrong last.
        request_s: How long the last request took, whoever sent it, seconds.
        traffic: All requests so far, by how they ended.
        state: How delivery goes, since ``since`` (seconds since the epoch).
    """

    def __init__(
        self,
        backoff: Backoff,
        breaker: CircuitBreaker,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.breaker = breaker
        self._backoff = backoff
        self.on_news: Callable[[], object] = lambda: None
        self._clock = clock
        self.last_error: str | None = None
        self.request_s = 0.0
        self.reset()

    def reset(self) -> None:
        """Nobody to wait for: what a forked child starts from."""
        self._lock = threading.RLock()
        self.traffic = Traffic()
        self._volley = 0  # rises with each pause; a request that began in an earlier one says nothing new
        self._attempts = 0
        self._not_before = 0.0
        self._imposed = False  # whether the pause is the server's wish or a hold, and not our own caution
        self._probing = False  # whether the one request is under way that may be while the server fails
        self._waiting = 0  # workers in ``enter``
        self._hurries = False
        self.state, self.since = State.DELIVERING, self._clock.wall()

    def enter(self, deadline: Deadline, wait: Wait) -> Pass | None:
        """Wait for one's turn. None when the deadline passes first or is nearer than the turn."""
        while True:
            breaker_s = 0.0 if self._hurries else self.breaker.wait_s()
            with self._lock:
                now = self._clock.monotonic()
                if now >= deadline():
                    return None
                turn_s = max(self._not_before - now, breaker_s)
                if turn_s <= 0 and not self._probing:
                    permit = self.breaker.try_acquire()
                    if permit or self._hurries:
                        self._probing = self.state is not State.DELIVERING
                        return Pass(self._volley, permit)
                self._waiting += 1
            try:
                if turn_s > 0 and now + turn_s >= deadline():
                    return None
                # Without a time to wait for, another worker's probe is under way, and its end is news.
                wait(turn_s if turn_s > 0 else min(deadline() - now, HOLD_S))
            finally:
                with self._lock:
                    self._waiting -= 1

    def succeeded(self, given: Pass) -> None:
        """The server answered, whatever it thinks of the spans."""
        self.breaker.succeeded(given.permit)
        with self._lock:
            self._attempts, self._not_before, self._imposed, self._probing = 0, 0.0, False, False
            was_in_trouble = self.state is not State.DELIVERING
            self._set_state(State.DELIVERING)
            is_news = self._waiting > 0
        if was_in_trouble:
            log.limited(logging.INFO, "delivery.again", "Langfuse takes spans again")
        if is_news:
            self.on_news()

    def failed(self, given: Pass, outcome: RetryAfter) -> None:
        """The server fails for a while."""
        with self._lock:
            if given.volley != self._volley:
                return
            self.last_error = outcome.reason
            pause_s = self._backoff.pause_s(self._attempts, retry_after_s=outcome.delay_s) or 0.0
            self._pause(pause_s, imposed=outcome.delay_s is not None)
            self._attempts += 1
            self._set_state(State.RETRYING)
            worth_a_line = self._attempts > 1  # a connection that the server closed while idle is not
        self.breaker.failed(outcome.reason, given.permit)
        if worth_a_line:
            message = "Langfuse takes no spans for now, they wait and are sent later: %s"
            log.limited(logging.WARNING, "delivery.retry", message, outcome.reason)

    def held(self, given: Pass, outcome: Held) -> None:
        """Something is set wrong: a key, the address."""
        self.breaker.cancelled(given.permit)
        with self._lock:
            if given.volley != self._volley:
                return
            self.last_error = outcome.reason
            self._pause(HOLD_S, imposed=True)
            self._set_state(State.HELD)
        message = "spans are kept and not sent, as something is set wrong: %s"
        log.once(logging.ERROR, f"delivery.held:{outcome.reason}", message, outcome.reason)

    def hurry(self) -> None:
        """The process is about to end: go on at once, unless the pause was the server's wish, and ask no breaker."""
        self._hurries = True
        if not self._imposed:
            self.try_now()

    def try_now(self) -> None:
        """Let the next attempt come at once."""
        self._attempts, self._not_before = 0, 0.0

    def _pause(self, seconds: float, *, imposed: bool) -> None:
        self._not_before, self._imposed = self._clock.monotonic() + seconds, imposed
        self._volley += 1
        self._probing = False

    def _set_state(self, state: State) -> None:
        if state is not self.state:
            self.state, self.since = state, self._clock.wall()
