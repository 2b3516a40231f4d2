"""Pauses between attempts: random below a doubling limit, the server's wish first, never past the deadline."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.resilience.backoff import Backoff


def longest(initial_s: float, max_s: float) -> Backoff:
    """A backoff whose dice always show (almost) the most."""
    return Backoff(initial_s, max_s, random=lambda: 1.0)


@pytest.mark.parametrize(("attempt", "limit_s"), [(0, 1.0), (1, 2.0), (2, 4.0), (5, 30.0), (10_000, 30.0)])
def test_the_limit_doubles_up_to_the_maximum(attempt: int, limit_s: float) -> None:
    assert longest(1.0, 30.0).pause_s(attempt) == limit_s


def test_the_pause_is_a_random_share_of_the_limit() -> None:
    assert Backoff(1.0, 30.0, random=lambda: 0.25).pause_s(2) == 1.0


def test_retry_after_wins_over_both_limits_and_is_spread_a_little() -> None:
    assert longest(1.0, 30.0).pause_s(0, retry_after_s=60.0) == 61.0
    assert Backoff(1.0, 30.0, random=lambda: 0.0).pause_s(9, retry_after_s=0.0) == 0.0


def test_an_absurd_retry_after_is_cut() -> None:
    assert Backoff(1.0, 30.0, max_retry_after_s=300.0, random=lambda: 0.0).pause_s(0, retry_after_s=1e9) == 300.0


def test_a_pause_that_would_use_up_the_time_left_is_not_begun() -> None:
    backoff = longest(1.0, 30.0)
    assert backoff.pause_s(1, left_s=2.0) is None
    assert backoff.pause_s(1, left_s=2.1) == 2.0
    assert backoff.pause_s(0, retry_after_s=5.0, left_s=3.0) is None
    assert backoff.pause_s(0, left_s=-1.0) is None


@given(
    attempt=st.integers(0, 10**9),
    initial_s=st.floats(0.001, 3600),
    max_s=st.floats(0.001, 3600),
    retry_after_s=st.none() | st.floats(0, 1e308),
    left_s=st.none() | st.floats(-1e6, 1e6),
)
def test_a_pause_is_never_negative_endless_or_past_the_deadline(
    attempt: int, initial_s: float, max_s: float, retry_after_s: float | None, left_s: float | None
) -> None:
    pause_s = Backoff(initial_s, max_s).pause_s(attempt, retry_after_s=retry_after_s, left_s=left_s)
    if pause_s is None:
        assert left_s is not None
        return
    assert 0 <= pause_s <= 300 + 3600
    assert left_s is None or pause_s < left_s
    if retry_after_s is None:
        assert pause_s <= max_s
