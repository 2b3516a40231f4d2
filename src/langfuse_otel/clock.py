"""Time as an argument, so that tests await events and not seconds."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where the package gets its time from."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary point, never going back: for deadlines, ages and TTLs."""
        ...

    def wall(self) -> float:
        """Seconds since the Unix epoch: for what people and servers read."""
        ...


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        """See ``time.monotonic``."""
        return time.monotonic()

    def wall(self) -> float:
        """See ``time.time``."""
        return time.time()


SYSTEM_CLOCK: Clock = SystemClock()
