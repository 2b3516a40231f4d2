"""The application's own callbacks on how delivery goes."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeAlias

from langfuse_otel import fork, log
from langfuse_otel.delivery.status import LOSSES
from langfuse_otel.errors import LangfuseError, SpansLostError
from langfuse_otel.hook import Hook, HookPausedError
from langfuse_otel.resilience.breaker import BreakerState
from langfuse_otel.tally import Tally

OnError: TypeAlias = Callable[[LangfuseError], object]
OnPressure: TypeAlias = Callable[[bool, float], object]
OnBreaker: TypeAlias = Callable[[BreakerState, BreakerState, "str | None"], object]


MAX_NEWS = 100
"""What waits to be told; past that the oldest news is dropped, and a line in the log says so."""


class Listeners:
    """Called one at a time, in order, on a thread that begins with the first news and ends with the last.

    So a callback that takes long, or never returns, delays what it would be told, and no span. What it raises is
    logged. Where no thread can be started, as at the end of the interpreter, it is called on the one that delivers.

    Args:
        on_error: Gets each failed attempt (``retryable``) and each refusal, and, as ``SpansLostError``, what was lost
            since the last time.
        on_pressure: Gets True and the share of the queue in use when pressure begins; False and the share when it ends.
        on_breaker: Gets the old state of the circuit breaker, the new one, and the error that opened it.
    """

    def __init__(
        self,
        *,
        on_error: OnError | None = None,
        on_pressure: OnPressure | None = None,
        on_breaker: OnBreaker | None = None,
    ) -> None:
        self._on_error = None if on_error is None else Hook("on_error", on_error)
        self._on_pressure = None if on_pressure is None else Hook("on_pressure", on_pressure)
        self._on_breaker = None if on_breaker is None else Hook("on_breaker", on_breaker)
        self._start_over()
        fork.register(self)

    def _start_over(self) -> None:
        self._told: dict[str, int] = {}
        self._news: deque[tuple[Hook, tuple[object, ...]]] = deque(maxlen=MAX_NEWS)
        self._telling = threading.Lock()  # whoever holds it tells all the news there is
        self._teller: int | None = None

    def after_fork_child(self) -> None:
        """What the parent has to tell, the parent tells."""
        self._start_over()

    def error(self, error: LangfuseError) -> None:
        """Tell of an error."""
        self._tell(self._on_error, error)

    def news(self, pressure_changes: Iterable[tuple[bool, float]], tally: Tally) -> None:
        """Tell of pressure that began or ended, and of what was lost since the last call."""
        for change in pressure_changes:
            self.pressure(*change)
        self.losses(tally)

    def losses(self, tally: Tally) -> None:
        """Tell of what was lost since the last call."""
        if self._on_error is None:
            return
        lost = {cause.value: tally.get(cause) for cause in LOSSES}
        new = {cause: n - self._told.get(cause, 0) for cause, n in lost.items() if n > self._told.get(cause, 0)}
        self._told = lost
        if new:
            self.error(SpansLostError(new))

    def pressure(self, is_under_pressure: bool, utilisation: float) -> None:
        """Tell that pressure began or ended."""
        self._tell(self._on_pressure, is_under_pressure, utilisation)

    def breaker(self, before: BreakerState, now: BreakerState, error: str | None) -> None:
        """Tell of a change of the breaker's."""
        self._tell(self._on_breaker, before, now, error)

    def settle(self, timeout_s: float) -> bool:
        """Wait until all is told; False when ``timeout_s`` seconds did not suffice. A callback itself does not wait."""
        until = time.monotonic() + timeout_s
        while self._teller != threading.get_ident():
            if not self._telling.acquire(timeout=max(0.0, until - time.monotonic())):
                return False
            self._telling.release()
            if not self._news:
                return True
            self._start_telling()  # news came while this thread looked
        return False

    def _tell(self, hook: Hook | None, *arguments: object) -> None:
        if hook is None:
            return
        if len(self._news) == MAX_NEWS:
            message = "%s takes so long that it is not told all"
            log.limited(logging.WARNING, f"delivery.news:{hook.name}", message, hook.name)
        self._news.append((hook, arguments))
        self._start_telling()

    def _start_telling(self) -> None:
        if not self._telling.acquire(blocking=False):
            return
        try:
            threading.Thread(target=self._tell_all, name="langfuse-otel-listeners", daemon=True).start()
        except RuntimeError:  # no more threads
            self._tell_all()

    def _tell_all(self) -> None:
        """With the lock held, which is let go of."""
        while True:
            self._teller = threading.get_ident()
            try:
                while self._news:
                    _call(*self._news.popleft())
            finally:
                self._teller = None
                self._telling.release()
            # News may have come after the look and before the release.
            if not (self._news and self._telling.acquire(blocking=False)):
                return


def _call(hook: Hook, arguments: tuple[object, ...]) -> None:
    try:
        hook(*arguments)
    except HookPausedError:  # which was said
        pass
    except (Exception, SystemExit) as error:  # the application's, and none of delivery's business
        log.limited(
            logging.WARNING, f"delivery.{hook.name}", "%s raised %s: %s", hook.name, type(error).__name__, error
        )
