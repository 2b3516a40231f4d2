"""What the delivery of spans looks like at one moment, and what came of it in the end."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from langfuse_otel.delivery.traffic import Requests
from langfuse_otel.resilience.breaker import BreakerState
from langfuse_otel.tally import Cause, Tally

LOSSES = (
    Cause.QUEUE_FULL,
    Cause.DROPPED_OLDEST,
    Cause.EXPIRED,
    Cause.DAMAGED,
    Cause.REFUSED,
    Cause.MALFORMED,
    Cause.SHUTDOWN,
)
"""The causes under which a span that should have been delivered was not."""


class State(str, enum.Enum):
    """How delivery goes."""

    DELIVERING = "delivering"  # also when there is nothing to deliver
    RETRYING = "retrying"  # the server fails for a while; spans wait
    HELD = "held"  # a key or the address is wrong; spans wait until that is put right
    CLOSED = "closed"  # shut down
    DISABLED = "disabled"  # tracing is off, or its settings are wrong


class Figures(NamedTuple):
    """What an intake holds at one moment; the attributes are those of ``Status``."""

    pending_spans: int
    max_spans: int
    pending_bytes: int
    max_bytes: int
    utilisation: float
    is_under_pressure: bool = False
    sample_rate: float = 1.0
    spooled_spans: int = 0
    spooled_bytes: int = 0
    oldest_s: float | None = None
    waiting_spans: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """A snapshot.

    Attributes:
        state: How delivery goes.
        since: When that began, seconds since the epoch.
        last_error: What the server or the network said last when it failed, None when it never did; or which of the
            application's functions was called and does not return.
        wire: The protocol in use.
        breaker: State of the circuit breaker.
        pending_spans: Spans of this process accepted and not yet settled, those in the requests under way included.
        max_spans: How many may wait in memory.
        pending_bytes: What those that wait in memory and those in the requests under way hold, about.
        max_bytes: How much they may hold.
        utilisation: Share of the queue (in memory, or on disk) in use.
        is_under_pressure: Whether that has risen above ``pressure_high``, and not yet fallen below ``pressure_low``.
        sample_rate: Share of new traces that is kept, as ``backpressure="sample"`` has it at the moment.
        spooled_spans: Spans on disk, those that other processes left included.
        spooled_bytes: Bytes that they take.
        oldest_s: How long the oldest of them has been waiting, seconds.
        waiting_spans: Spans that wait in memory, those in the requests under way not included.
        counts: Spans by cause (``tally.Cause``), zeros left out.
        requests: Requests to the server by outcome (``delivery.traffic``), those that never happened left out.
    """

    state: State
    since: float
    last_error: str | None
    wire: str
    breaker: BreakerState
    pending_spans: int
    max_spans: int
    pending_bytes: int
    max_bytes: int
    utilisation: float
    is_under_pressure: bool
    sample_rate: float
    spooled_spans: int
    spooled_bytes: int
    oldest_s: float | None
    waiting_spans: int
    counts: Mapping[str, int]
    requests: Mapping[str, Requests]


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a pipeline's spans.

    Attributes:
        delivered: Spans that the server has.
        lost: Spans that it has not, by cause, zeros left out.
        spooled: Spans that wait on disk for another process.
    """

    delivered: int
    lost: Mapping[str, int]
    spooled: int = 0

    def __str__(self) -> str:
        lost = ", ".join(f"{cause}={n}" for cause, n in self.lost.items()) or "none"
        spooled = f", on disk for the next process: {self.spooled}" if self.spooled else ""
        return f"delivered {self.delivered} spans, lost: {lost}{spooled}"


def report(tally: Tally, spooled: int = 0) -> Report:
    """The report that the counters amount to."""
    lost = {cause.value: n for cause in LOSSES if (n := tally.get(cause))}
    return Report(tally.get(Cause.DELIVERED), lost, spooled)
