"""What the processes that share the disk tier found, in memory that outlives them."""

from __future__ import annotations

import ctypes
from multiprocessing.sharedctypes import RawArray

PROCESSES, PROMPTS = 8, 16


class Board:
    """What the processes found, in memory that they share and that outlives them. Each has a row of its own."""

    COLUMNS = ("reads", "from_disk", "torn", "older", "failed", "store_failures", "junk", "is_writing")

    def __init__(self) -> None:
        self._counts = RawArray(ctypes.c_int64, PROCESSES * len(self.COLUMNS))
        self._seen = RawArray(ctypes.c_int64, PROCESSES * PROMPTS)

    def add(self, slot: int, column: str, count: int = 1) -> None:
        self._counts[slot * len(self.COLUMNS) + self.COLUMNS.index(column)] += count

    def of(self, slot: int, column: str) -> int:
        return self._counts[slot * len(self.COLUMNS) + self.COLUMNS.index(column)]

    def total(self, column: str) -> int:
        return sum(self.of(slot, column) for slot in range(PROCESSES))

    def saw(self, slot: int, number: int, version: int) -> None:
        self._seen[slot * PROMPTS + number] = max(version, self._seen[slot * PROMPTS + number])

    def newest(self, number: int) -> int:
        """The newest version that any process has found in the store so far."""
        return max(self._seen[number::PROMPTS])
