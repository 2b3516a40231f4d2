"""Counters by cause: what became of each span that came to us, and why.

    turned away at the door ──▶ disabled, left_out, sampled, queue_full, shutdown, malformed
    accepted ──▶ waits ──▶ delivered, refused, malformed, dropped_oldest, expired, damaged,
                          shutdown

A span is counted once under one of the causes on the right, when its fate is settled, and before that as accepted only
if it was let in. What is accepted and not settled waits (``Status.pending_spans``).

Plain integers at the bottom of the house, so that anything may count; ``delivery.status`` reads them.
"""

from __future__ import annotations

import enum
import threading
from collections import deque
from collections.abc import Callable


class Cause(str, enum.Enum):
    """Why a counter rises; counts spans unless it says otherwise."""

    ACCEPTED = "accepted"  # let into the queue
    DELIVERED = "delivered"  # the server has it
    RETRIED = "retried"  # counts batches: one sent again; its spans are still pending
    SPLIT = "split"  # counts batches: one halved after 413 or 400; its spans are still pending
    MASK_FAILED = "mask_failed"  # the user's mask failed, so the content was masked whole; besides what became of it
    MEDIA_UPLOADED = "media_uploaded"  # counts images, sound and files that the server has, by observation
    MEDIA_LOST = "media_lost"  # counts those that it has not, although their observation refers to them
    TRUNCATED = "truncated"  # cut to fit a limit; besides what became of it
    QUEUE_FULL = "queue_full"  # turned away: no room
    DROPPED_OLDEST = "dropped_oldest"  # gave way to a newer one: no room, and `backpressure` is `drop_oldest`
    EXPIRED = "expired"  # waited on disk for longer than it may
    DAMAGED = "damaged"  # was on disk, and cannot be read any more
    REFUSED = "refused"  # the server said 400 to this span alone
    MALFORMED = "malformed"  # could not be read or encoded
    LEFT_OUT = "left_out"  # turned away: not one of the spans that were selected
    SAMPLED = "sampled"  # turned away: left out by the sample rate, or under pressure with its whole trace
    DISABLED = "disabled"  # turned away: tracing is off, or its settings are wrong
    UNFINISHED = "unfinished"  # had not ended when the process did, and so never came to us
    SHUTDOWN = "shutdown"  # still pending when the exit budget was used up, or turned away as it ended after shutdown


ACCEPTED = Cause.ACCEPTED
"""By a name of its own: in Python 3.11, to look up a member of an enumeration takes longer than a call."""

_FOLD_AT = 256


class Tally:
    """Counters by ``Cause``. ``count`` never waits, in whatever thread, signal handler or ``__del__`` it is called."""

    def __init__(self) -> None:
        self._kept_elsewhere: dict[Cause, Callable[[], int]] = {}
        self.reset()

    def follow(self, cause: Cause, read: Callable[[], int]) -> None:
        """Have a counter that somebody keeps anyhow show here, in addition to what is counted."""
        self._kept_elsewhere[cause] = read

    def reset(self) -> None:
        """Back to zero, with a lock of its own: what a forked child starts from."""
        self._counts: dict[Cause, int] = dict.fromkeys(Cause, 0)
        # Counting only appends, which is atomic. A lock around an addition could be waited for by a thread that holds
        # the queue's, while the one that holds this lock ends a span in a ``__del__`` and waits for the queue's.
        self._news: deque[tuple[Cause, int]] = deque()
        self._folding = threading.RLock()

    def count(self, cause: Cause, n: int = 1) -> None:
        """Add ``n`` to a counter."""
        self._news.append((cause, n))
        if len(self._news) >= _FOLD_AT and self._folding.acquire(blocking=False):
            try:
                self._fold()
            finally:
                self._folding.release()

    def get(self, cause: Cause) -> int:
        """One counter's value."""
        read = self._kept_elsewhere.get(cause)
        with self._folding:
            self._fold()
            return self._counts[cause] + (read() if read is not None else 0)

    def snapshot(self) -> dict[str, int]:
        """All counters that are not zero, by the cause's name."""
        with self._folding:
            self._fold()
            counts = dict(self._counts)
        for cause, read in self._kept_elsewhere.items():  # after the others: what is delivered was accepted before
            counts[cause] += read()
        return {cause.value: n for cause, n in counts.items() if n}

    def _fold(self) -> None:
        news, counts = self._news, self._counts
        while news:
            cause, n = news.popleft()
            counts[cause] += n
