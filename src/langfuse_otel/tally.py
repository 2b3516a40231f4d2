"""Counters by cause: how each span that we accepted ended, and why.

Plain integers at the bottom of the house, so that anything may count; ``delivery.status`` and ``doctor`` read them.
"""

from __future__ import annotations

import enum
import threading


class Cause(str, enum.Enum):
    """Why a counter rises. Every span that enters is counted once as accepted and ends under one other cause."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    RETRIED = "retried"  # a batch sent again; its spans are still pending
    SPLIT = "split"  # a batch halved after 413 or 400
    TRUNCATED = "truncated"  # delivered, but cut to fit a limit
    QUEUE_FULL = "queue_full"
    REFUSED = "refused"  # the server said 400 to this span alone
    MALFORMED = "malformed"  # could not be encoded
    SAMPLED = "sampled"  # left out by the sample rate
    DISABLED = "disabled"  # tracing is off, or its settings are wrong
    SHUTDOWN = "shutdown"  # still pending when the exit budget was used up, or ended after shutdown


class Tally:
    """Thread-safe counters by ``Cause``."""

    def __init__(self) -> None:
        self._counts: dict[Cause, int] = dict.fromkeys(Cause, 0)
        # Re-entrant, because a span may end in a __del__ that runs while this very thread counts another.
        self._lock = threading.RLock()

    def count(self, cause: Cause, n: int = 1) -> None:
        """Add ``n`` to a counter."""
        with self._lock:
            self._counts[cause] += n

    def get(self, cause: Cause) -> int:
        """One counter's value."""
        return self._counts[cause]

    def snapshot(self) -> dict[str, int]:
        """All counters that are not zero, by the cause's name."""
        with self._lock:
            return {cause.value: n for cause, n in self._counts.items() if n}

    def reset(self) -> None:
        """Back to zero, with a new lock: what a forked child starts from."""
        self._lock = threading.RLock()
        self._counts = dict.fromkeys(Cause, 0)
