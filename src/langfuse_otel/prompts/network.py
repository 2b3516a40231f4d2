"""The tier below all others: Langfuse itself, asked once a call and not at all while its circuit breaker is open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.errors import (
    ConnectionFailedError,
    LangfuseError,
    MalformedResponseError,
    NotFoundError,
    TimedOutError,
)
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.counters import PromptCounters
from langfuse_otel.prompts.models import Selector
from langfuse_otel.prompts.record import Record
from langfuse_otel.resilience.breaker import CircuitBreaker

SPARE_S = 0.001
"""Less than this is no time in which anything could be read."""


@dataclass(frozen=True, slots=True)
class Want:
    """What a reader asks of a tier.

    Attributes:
        deadline: When it gives up, by the system's monotonic clock: waiting takes real time, whatever ages are.
        newer_than: Asked for after this, seconds since the epoch: what the reader has already. None: any will do.
        is_patient: Whether it waits while another process reads the same.
        may_retry: Whether a request that failed is tried once more.
    """

    deadline: float
    newer_than: float | None = None
    is_patient: bool = True
    may_retry: bool = True

    @property
    def left_s(self) -> float:
        """Time until the deadline.

        Raises:
            TimedOutError: There is none.
        """
        left_s = self.deadline - SYSTEM_CLOCK.monotonic()
        if left_s < SPARE_S:
            raise TimedOutError("the deadline has passed before anything could be read")
        return left_s

    def within(self, limit_s: float) -> Want:
        """The same with at most so many seconds left."""
        return replace(self, deadline=min(self.deadline, SYSTEM_CLOCK.monotonic() + limit_s))


class Source(Protocol):
    """A tier, or Langfuse."""

    def read(self, selector: Selector, want: Want) -> Record:
        """A prompt as ``want`` has it; blocks up to its deadline.

        Raises:
            LangfuseError: It could not be had; NotFoundError: it does not exist.
        """
        ...


class CircuitOpenError(ConnectionFailedError):
    """Langfuse was not asked, as it has failed too often.

    Attributes:
        retry_after_s: Until when it is not asked, seconds from now.
    """

    code = "circuit_open"
    retry_after_s: float = 0.0


def circuit_open(reason: str, retry_after_s: float) -> CircuitOpenError:
    """The error of those who are not let through."""
    error = CircuitOpenError(f"Langfuse is not asked for the next {retry_after_s:.0f} s, as it failed: {reason}")
    error.retry_after_s = retry_after_s
    return error


class Network:
    """Langfuse's API as a source.

    Args:
        api: The project's prompt endpoints.
        breaker: Of these endpoints.
        counters: What happens is counted there.
        clock: Where the time of day comes from.
    """

    def __init__(
        self, api: PromptApi, *, breaker: CircuitBreaker, counters: PromptCounters, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._api = api
        self._breaker = breaker
        self._counters = counters
        self._clock = clock

    def read(self, selector: Selector, want: Want) -> Record:
        """Ask Langfuse. What the caller has already does not matter: this is as new as can be."""
        left_s = want.left_s
        permit = self._breaker.try_acquire()
        if not permit:
            raise circuit_open(self._breaker.last_error or "", self._breaker.wait_s())
        asked_at, started = self._clock.wall(), SYSTEM_CLOCK.monotonic()
        is_ok = False
        try:
            prompt = self._api.get(selector, deadline_s=left_s, retry=want.may_retry)
            is_ok = True
        except NotFoundError:
            is_ok = True
            raise
        except LangfuseError as error:
            if error.retryable or isinstance(error, MalformedResponseError):
                self._breaker.failed(error.message, permit)
            raise
        finally:
            if is_ok:
                self._breaker.succeeded(permit)
            self._breaker.cancelled(permit)  # no verdict so far: it was the request that was wrong, or our own fault
            self._counters.requested(SYSTEM_CLOCK.monotonic() - started, ok=is_ok)
        return Record(prompt, asked_at)
