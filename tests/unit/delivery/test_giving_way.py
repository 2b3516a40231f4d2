"""Long work lets other threads have a turn, once a millisecond."""

from __future__ import annotations

import pytest

from langfuse_otel.delivery import giving_way as module
from langfuse_otel.delivery.giving_way import MOST_S, giving_way


class Time:
    """Goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(self.now)
        assert 0 < seconds < MOST_S


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.mark.parametrize(
    ("item_s", "pauses_after"),
    [(MOST_S / 100, []), (MOST_S / 4, [4, 8]), (MOST_S * 3, list(range(1, 11)))],
    ids=["short work is not interrupted", "a pause a millisecond", "a pause after each item that takes longer"],
)
def test_pauses(clock: Time, item_s: float, pauses_after: list[int]) -> None:
    began = clock.now
    for _ in giving_way(range(10)):
        clock.now += item_s * 1.0001

    assert [round((paused - began) / item_s) for paused in clock.pauses] == pauses_after


def test_the_items_are_the_same_in_the_same_order() -> None:
    assert list(giving_way(iter(range(1_000)))) == list(range(1_000))
