"""One pipeline for exporters with the same settings: who joins whom, and when it ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from langfuse_otel.delivery import shared as shared_module
from langfuse_otel.delivery.assembly import assemble
from langfuse_otel.delivery.shared import SharedPipeline, share
from langfuse_otel.delivery.status import State
from langfuse_otel.selection import Selection
from langfuse_otel.settings import Settings, load
from langfuse_otel.tally import Cause
from support.clock import FakeClock
from support.spans import finished
from support.transports import ScriptedTransport, observe

SETTINGS = load({}, flush_interval_s=5.0)


class House:
    """Makes pipelines, and remembers them."""

    def __init__(self) -> None:
        self.made: list[SharedPipeline] = []
        self.clock = FakeClock()

    def share(self, user: object, settings: Settings = SETTINGS) -> SharedPipeline:
        def make() -> SharedPipeline:
            pipeline = assemble(ScriptedTransport(), observe, settings)
            self.made.append(SharedPipeline(pipeline, Selection(), settings, self.clock))
            return self.made[-1]

        return share(user, settings, make)


@pytest.fixture
def house() -> Iterator[House]:
    it = House()
    yield it
    for shared in it.made:
        shared.pipeline.abandon()
        shared_module._shared.discard(shared)


def test_users_with_the_same_settings_share_one(house: House) -> None:
    assert house.share("a") is house.share("b")
    assert len(house.made) == 1


def test_another_address_or_any_other_setting_is_another_pipeline(house: House) -> None:
    settings = [SETTINGS, load({}, base_url="http://127.0.0.1:1"), load({}, timeout_s=1.0)]

    assert len({house.share("a", each) for each in settings}) == 3


def test_it_is_to_end_with_the_last_user_that_shuts_down(house: House) -> None:
    shared = house.share("a")
    house.share("b")

    assert not shared.leave("a")
    assert not shared.leave("a")  # however often
    assert shared.leave("b")
    assert house.share("c") is not shared


def test_who_joins_one_that_ends_is_too_late(house: House) -> None:
    shared = house.share("a")
    shared.leave("a")

    assert not shared.join("b")
    assert shared.leave("a")


def test_unused_it_ends_with_its_user(house: House) -> None:
    shared = house.share("a")
    shared.drop("a")

    assert shared.status().state is State.CLOSED
    assert house.share("b") is not shared


def test_used_it_stays_for_a_flush_interval_after_the_last_user_is_dropped(house: House) -> None:
    shared = house.share("a")
    shared.pipeline.accept(finished()[0])
    shared.drop("a")
    house.clock.sleep(4.9)
    shared.pipeline.on_upkeep()

    assert shared.status().state is not State.CLOSED
    assert house.share("b") is shared

    house.clock.sleep(100)
    shared.pipeline.on_upkeep()
    assert house.share("c") is shared


def test_of_those_that_nobody_uses_only_a_few_stay(house: House) -> None:
    for number in range(10):
        shared = house.share("a", load({}, public_key=f"pk-lf-{number}"))
        shared.pipeline.accept(finished()[0])
        shared.drop("a")

    assert sum(shared in shared_module._shared for shared in house.made) == 4


def test_then_it_delivers_what_is_left_and_ends(house: House) -> None:
    shared = house.share("a")
    shared.pipeline.accept(finished()[0])
    shared.drop("a")
    house.clock.sleep(5.1)
    shared.pipeline.on_upkeep()

    assert house.share("b") is not shared
    shared.pipeline.shutdown(20)
    assert shared.status().state is State.CLOSED
    assert shared.status().counts == {"accepted": 1, "delivered": 1}


def test_a_user_that_shut_down_and_is_dropped_later_changes_nothing(house: House) -> None:
    shared = house.share("a")
    house.share("b")
    shared.leave("a")
    shared.drop("a")

    assert house.share("c") is shared
    assert shared.status().state is not State.CLOSED


def test_a_span_of_a_user_that_shut_down_is_turned_away_and_counted(house: House) -> None:
    shared = house.share("a")

    assert shared.turn_away(finished()[0]) is Cause.SHUTDOWN
    assert shared.status().counts == {"shutdown": 1}
