"""Long work lets other threads have a turn, once a millisecond."""

from __future__ import annotations

import itertools

import pytest

from langfuse_otel.delivery import giving_way as module
from langfuse_otel.delivery.giving_way import MOST_S, giving_way


class Time:
    """Goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []
        self.wait_s = 0.0  # until the lock can be had again

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(self.now)
        assert 0 < seconds < MOST_S
        self.now += self.wait_s


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


@pytest.mark.parametrize(("wait_s", "between_s"), [(MOST_S / 2, MOST_S), (0.003, 0.003), (1.0, 0.005)])
def test_who_had_to_wait_for_its_turn_takes_as_long_a_turn_up_to_that_of_the_interpreter(
    clock: Time, wait_s: float, between_s: float
) -> None:
    clock.wait_s = wait_s
    for _ in giving_way(range(1_000)):
        clock.now += 0.0001

    gaps = [later - earlier - wait_s for earlier, later in itertools.pairwise(clock.pauses)]
    assert gaps == pytest.approx([between_s] * len(gaps), abs=0.0002)


def test_the_items_are_the_same_in_the_same_order() -> None:
    assert list(giving_way(iter(range(1_000)))) == list(range(1_000))
