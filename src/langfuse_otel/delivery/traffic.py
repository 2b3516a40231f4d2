"""Counters by how a request ended: how many, how large, how long. Their rates give means."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from langfuse_otel.transport.outcome import (
    Accepted,
    Held,
    NotServed,
    Outcome,
    Partial,
    Refused,
    RetryAfter,
    Split,
    WireChanged,
)


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests that ended alike. What a transport asks before it sends a batch is part of that batch's request.

    Attributes:
        count: How many.
        size_bytes: Their payload in all, before compression.
        duration_s: Their duration in all, until the answer was read; media that had to go first included.
    """

    count: int = 0
    size_bytes: int = 0
    duration_s: float = 0.0


ACCEPTED: Final = "accepted"
"""The outcome of a request that went well."""

_NAMES: Final[Mapping[type[Outcome], str]] = {
    Accepted: ACCEPTED,
    Partial: "partial",
    RetryAfter: "unavailable",
    Split: "too_large",
    Refused: "refused",
    Held: "held",
    NotServed: "held",
    WireChanged: "wire_changed",
}

FAILURES: Final = tuple(dict.fromkeys(name for name in _NAMES.values() if name != ACCEPTED))
"""All other outcomes."""


class Traffic:
    """Counts the requests of all senders of a pipeline. May be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # re-entrant: a signal handler may send on the thread that counts
        self._requests: dict[str, Requests] = {}

    def count(self, outcome: Outcome, size_bytes: int, duration_s: float) -> None:
        """Add a request."""
        name = _NAMES[type(outcome)]
        with self._lock:
            so_far = self._requests.get(name, Requests())
            self._requests[name] = Requests(
                so_far.count + 1, so_far.size_bytes + size_bytes, so_far.duration_s + duration_s
            )

    def snapshot(self) -> Mapping[str, Requests]:
        """Requests by outcome; those that never happened are left out."""
        with self._lock:
            return dict(self._requests)
