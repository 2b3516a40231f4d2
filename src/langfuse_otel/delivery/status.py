"""What the delivery of spans looks like at one moment, and what came of it in the end."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from langfuse_otel.tally import Cause, Tally

LOSSES = (Cause.QUEUE_FULL, Cause.REFUSED, Cause.MALFORMED, Cause.SHUTDOWN)
"""The causes under which a span that should have been delivered was not."""


class State(str, enum.Enum):
    """How delivery goes."""

    DELIVERING = "delivering"  # also when there is nothing to deliver
    RETRYING = "retrying"  # the server fails for a while; spans wait
    HELD = "held"  # a key or the address is wrong; spans wait until that is put right
    CLOSED = "closed"  # shut down
    DISABLED = "disabled"  # tracing is off, or its settings are wrong


@dataclass(frozen=True, slots=True)
class Status:
    """A snapshot.

    Attributes:
        state: How delivery goes.
        since: When that began, seconds since the epoch.
        last_error: What the server or the network said last when it failed; None when it never did.
        wire: The protocol in use.
        pending_spans: Spans accepted and not yet settled, those in the request under way included.
        max_spans: How many may wait.
        pending_bytes: What those that wait hold, about; those in the request under way are not included.
        max_bytes: How much they may hold.
        counts: Spans by cause (``tally.Cause``), zeros left out.
    """

    state: State
    since: float
    last_error: str | None
    wire: str
    pending_spans: int
    max_spans: int
    pending_bytes: int
    max_bytes: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a pipeline's spans.

    Attributes:
        delivered: Spans that the server has.
        lost: Spans that it has not, by cause, zeros left out.
    """

    delivered: int
    lost: Mapping[str, int]

    def __str__(self) -> str:
        lost = ", ".join(f"{cause}={n}" for cause, n in self.lost.items()) or "none"
        return f"delivered {self.delivered} spans, lost: {lost}"


def report(tally: Tally) -> Report:
    """The report that the counters amount to."""
    return Report(tally.get(Cause.DELIVERED), {cause.value: n for cause in LOSSES if (n := tally.get(cause))})
