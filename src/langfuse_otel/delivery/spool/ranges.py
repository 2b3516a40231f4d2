"""Sets of row numbers that lie mostly side by side."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator


def runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The numbers, in any order, as runs of neighbours: first and last of each."""
    first = last = None
    for number in sorted(numbers):
        if first is None or last is None:
            first = last = number
        elif number <= last + 1:
            last = number
        else:
            yield first, last
            first = last = number
    if first is not None and last is not None:
        yield first, last


class Ranges:
    """A set of integers, kept as disjoint runs: as small as the number of its holes."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self._total = 0
        for first, last in ranges:
            self.add(first, last)

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(list(zip(self._firsts, self._lasts, strict=True)))

    def add(self, first: int, last: int) -> None:
        """Include ``first`` to ``last``, both ends counted."""
        low, high = self._touching(first - 1, last + 1)
        if low < high:
            first, last = min(first, self._firsts[low]), max(last, self._lasts[high - 1])
        self._replace(low, high, [(first, last)])

    def remove(self, first: int, last: int) -> None:
        """Leave out ``first`` to ``last``, both ends counted."""
        low, high = self._touching(first, last)
        if low == high:
            return
        left, right = (self._firsts[low], first - 1), (last + 1, self._lasts[high - 1])
        self._replace(low, high, [run for run in (left, right) if run[0] <= run[1]])

    def gaps(self, last: int) -> Iterator[tuple[int, int]]:
        """What of 1 to ``last`` is not in the set, in order."""
        start = 1
        for begin, end in self:
            if begin > last:
                break
            if start < begin:
                yield start, begin - 1
            start = end + 1
        if start <= last:
            yield start, last

    def missing(self, last: int) -> int:
        """How many of 1 to ``last`` are not in the set; all of the set is within."""
        return last - self._total

    def _touching(self, first: int, last: int) -> tuple[int, int]:
        """The runs, by index, that share a number with ``first`` to ``last``."""
        high = bisect_right(self._firsts, last)
        low = high
        while low and self._lasts[low - 1] >= first:
            low -= 1
        return low, high

    def _replace(self, low: int, high: int, by: list[tuple[int, int]]) -> None:
        for first, last in zip(self._firsts[low:high], self._lasts[low:high], strict=True):
            self._total -= last - first + 1
        self._total += sum(last - first + 1 for first, last in by)
        self._firsts[low:high] = [first for first, _ in by]
        self._lasts[low:high] = [last for _, last in by]
