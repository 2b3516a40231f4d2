"""A set of row numbers behaves as a set."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.delivery.spool.ranges import Ranges, runs

RUN = st.tuples(st.integers(1, 60), st.integers(0, 20)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(st.tuples(st.booleans(), RUN)))
def test_adding_and_removing_is_that_of_a_set(steps: list[tuple[bool, tuple[int, int]]]) -> None:
    ranges, expected = Ranges(), set[int]()
    for adds, (first, last) in steps:
        if adds:
            ranges.add(first, last)
            expected |= set(range(first, last + 1))
        else:
            ranges.remove(first, last)
            expected -= set(range(first, last + 1))
        assert len(ranges) == len(expected)
        assert list(ranges) == list(runs(expected)), "disjoint, in order, as few as can be"
        assert list(ranges.gaps(90)) == list(runs(set(range(1, 91)) - expected))


@given(st.sets(st.integers(1, 100)))
def test_runs_hold_the_numbers_and_nothing_else(numbers: set[int]) -> None:
    assert {n for first, last in runs(numbers) for n in range(first, last + 1)} == numbers
