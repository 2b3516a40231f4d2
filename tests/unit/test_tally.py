"""Counters by cause."""

from __future__ import annotations

from langfuse_otel.tally import Cause, Tally


def test_it_counts_by_cause_and_shows_what_is_not_zero() -> None:
    tally = Tally()
    tally.count(Cause.ACCEPTED, 3)
    tally.count(Cause.DELIVERED)
    assert tally.get(Cause.ACCEPTED) == 3
    assert tally.snapshot() == {"accepted": 3, "delivered": 1}
    tally.reset()
    assert tally.snapshot() == {}
