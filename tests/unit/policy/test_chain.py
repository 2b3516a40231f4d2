"""Steps follow each other, and none may fail open."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from langfuse_otel.observation import Observation
from langfuse_otel.policy.chain import POLICY_FAILED, compose
from langfuse_otel.wire.ingestion import IngestionWire
from langfuse_otel.wire.otlp import OtlpWire

Make = Callable[..., Observation]


def named(suffix: str) -> Callable[[Observation], Observation]:
    return lambda observation: msgspec.structs.replace(observation, name=observation.name + suffix)


def broken(observation: Observation) -> Observation:
    raise RuntimeError(f"cannot read {observation.input}")


def test_steps_apply_in_their_order(observation: Make) -> None:
    assert compose((named("-1"), named("-2")))(observation()).name == "chat-1-2"


def test_without_steps_an_observation_is_itself(observation: Make) -> None:
    before = observation(input="hi")
    assert compose(())(before) is before


def test_steps_may_come_from_a_generator_and_are_used_more_than_once(observation: Make) -> None:
    rewrite = compose(named(suffix) for suffix in "ab")
    assert [rewrite(observation()).name for _ in range(2)] == ["chatab", "chatab"]


@pytest.mark.parametrize("wire", [OtlpWire(), IngestionWire()], ids=lambda wire: wire.name)
def test_a_step_that_raises_leaves_no_content(call: Make, wire: Any, caplog: pytest.LogCaptureFixture) -> None:
    secret = "jane-canary"
    personal = {"name": secret, "user_id": secret, "session_id": secret, "trace_name": secret, "tags": (secret,)}

    failed = compose((broken,))(call(secret, **personal, is_app_root=True))

    encoded = wire.encode(failed)
    assert secret.encode() not in encoded.group + encoded.body
    assert secret not in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_step_that_raises_leaves_the_span_its_place_and_its_numbers(call: Make) -> None:
    before = call("x", parent_span_id="e" * 16, is_app_root=True, level="ERROR", environment="prod")
    after = compose((broken,))(before)

    assert after.metadata == {POLICY_FAILED: "RuntimeError"}
    for field in ("trace_id", "span_id", "parent_span_id", "start_ns", "end_ns", "is_app_root", "type", "level"):
        assert getattr(after, field) == getattr(before, field)
    assert (after.model, after.usage, after.environment) == (before.model, before.usage, "prod")
