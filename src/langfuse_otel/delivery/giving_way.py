"""Long work on a thread of ours, in short pieces, so that the application's threads need not wait for their turn."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

MOST_S = 0.001
"""For so long at most the interpreter's lock is held, or for one item if that takes longer."""

_SWITCH_S = 0.005  # after which the interpreter itself lets another thread have its turn
_PAUSE_S = 1e-6  # the system makes 50 µs of it; with 0 the lock would be taken again before another thread wakes up


def giving_way(items: Iterable[T]) -> Iterator[T]:
    """The same items, with a pause in between whenever a millisecond was spent on them.

    A thread that is computing keeps the interpreter's lock for 5 ms before one that waits gets it (``sys.
    getswitchinterval``): an event loop, a request whose answer has come, or a write to the spool would each be late by
    that much. Costs 6 % of the throughput when no other thread has anything to do (``bench.loop_lag``).
    """
    until = time.monotonic() + MOST_S
    for item in items:
        yield item
        paused = time.monotonic()
        if paused >= until:
            time.sleep(_PAUSE_S)
            resumed = time.monotonic()
            # Threads that compute as well keep this one waiting: it takes as long then as it would without pauses.
            until = resumed + min(max(MOST_S, resumed - paused), _SWITCH_S)
