"""The application's own callbacks on how delivery goes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeAlias

from langfuse_otel import log
from langfuse_otel.delivery.status import LOSSES
from langfuse_otel.errors import LangfuseError, SpansLostError
from langfuse_otel.resilience.breaker import BreakerState
from langfuse_otel.tally import Tally

OnError: TypeAlias = Callable[[LangfuseError], object]
OnPressure: TypeAlias = Callable[[bool, float], object]
OnBreaker: TypeAlias = Callable[[BreakerState, BreakerState, "str | None"], object]


class Listeners:
    """Called on the threads that deliver, never on the application's; what they raise is logged and harms nothing.

    A callback that takes long delays the delivery, and nothing else.

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
        self._on_error = on_error
        self._on_pressure = on_pressure
        self._on_breaker = on_breaker
        self._told: dict[str, int] = {}

    def error(self, error: LangfuseError) -> None:
        """Tell of an error."""
        _call(self._on_error, error)

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
        _call(self._on_pressure, is_under_pressure, utilisation)

    def breaker(self, before: BreakerState, now: BreakerState, error: str | None) -> None:
        """Tell of a change of the breaker's."""
        _call(self._on_breaker, before, now, error)


def _call(callback: Callable[..., Any] | None, *arguments: object) -> None:
    if callback is None:
        return
    try:
        callback(*arguments)
    except Exception as error:  # the application's, and none of delivery's business
        name = getattr(callback, "__name__", "a callback")
        log.limited(logging.WARNING, f"delivery.{name}", "%s raised %s: %s", name, type(error).__name__, error)
