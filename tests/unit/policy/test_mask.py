"""The user's mask sees whatever may hold content, as with Langfuse's SDK, and its failures hide."""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from opentelemetry.sdk.resources import Resource

from langfuse_otel.hook import PAUSE_S, TOO_SLOW_CALLS, TOO_SLOW_S
from langfuse_otel.observation import Message, Observation
from langfuse_otel.policy.mask import FULLY_MASKED, Mask
from langfuse_otel.wire.ingestion import IngestionWire
from langfuse_otel.wire.otlp import OtlpWire
from support.clock import FakeClock

Make = Callable[..., Observation]
SECRET = "jane-canary"


def deep(data: Any) -> Any:
    """A mask as users write it."""
    if isinstance(data, str):
        return data.replace(SECRET, "***")
    if isinstance(data, dict):
        return {key: deep(value) for key, value in data.items()}
    return [deep(item) for item in data] if isinstance(data, list) else data


def raising(data: Any) -> Any:
    raise ValueError(f"what is {data}?")


def on_wires(observation: Observation) -> bytes:
    return b"".join(b"".join(wire.encode(observation)[:2]) for wire in (OtlpWire(), IngestionWire()))


def test_everything_that_may_hold_content_is_masked(call: Make) -> None:
    before = call(SECRET, is_app_root=True)
    encoded_before = on_wires(before)

    assert SECRET.encode() in encoded_before
    assert SECRET.encode() not in on_wires(Mask(deep)(before))
    assert on_wires(before) == encoded_before


def test_a_mask_that_changes_nothing_leaves_the_bytes_as_they_were(call: Make) -> None:
    observation = call("x", level="ERROR")
    assert on_wires(Mask(lambda data: data)(observation)) == on_wires(observation)


def test_the_mask_gets_whole_values_in_json_types(call: Make) -> None:
    seen: list[Any] = []

    def mask(*, data: Any, **more: Any) -> Any:
        assert not more
        seen.append(data)
        return data

    Mask(mask)(call("x"))

    assert [type(value) for value in seen] == [dict, dict, dict, dict, str, dict]
    assert seen[0]["messages"][0] == {"role": "system", "content": "You are x."}
    assert seen[1]["tool_calls"][0]["function"] == {"name": "lookup", "arguments": '{"who": "x"}'}
    assert seen[2]["nested"] == {"list": ["x", 1, True, None, 0.5]}


def test_json_text_stays_text(observation: Make) -> None:
    seen: list[Any] = []
    Mask(lambda data: seen.append(data))(observation(input='{"a": 1}'))
    assert seen == ['{"a": 1}']


def test_the_mask_gets_a_copy_that_it_may_change(observation: Make) -> None:
    def in_place(data: Any) -> Any:
        if isinstance(data, dict):
            data["nested"]["who"] = "***"
        return data

    before = observation(metadata={"nested": {"who": SECRET}})
    assert Mask(in_place)(before).metadata == {"nested": {"who": "***"}}
    assert before.metadata == {"nested": {"who": SECRET}}


class Redactor:
    def __call__(self, data: Any) -> Any:
        return "***"

    def method(self, *, data: Any) -> Any:
        return "***"


def by_position(value: Any, /) -> Any:
    return "***"


@pytest.mark.parametrize(
    "mask",
    [
        lambda data: "***",
        lambda data, **kwargs: "***",
        lambda **kwargs: "***" if set(kwargs) == {"data"} else None,
        lambda value: "***",
        by_position,
        Redactor(),
        Redactor().method,
        functools.partial(lambda mark, data: mark, "***"),
        functools.partial(re.compile(".+").sub, "***"),
    ],
)
def test_a_function_is_called_as_langfuse_calls_it_or_by_position(mask: Any, observation: Make) -> None:
    assert Mask(mask)(observation(input="hi")).input == "***"


async def later(data: Any) -> Any:
    return data


@pytest.mark.parametrize("mask", [lambda: None, lambda data, other: data, later, functools.partial(later)])
def test_a_function_that_cannot_be_a_mask_is_refused_at_once(mask: Any) -> None:
    with pytest.raises(ValueError, match=r"mask\(data=value\)|asynchronous"):
        Mask(mask)


def test_none_leaves_a_value_out(call: Make) -> None:
    masked = Mask(lambda data: None)(call(SECRET))
    assert (masked.input, masked.output, masked.status_message) == (None, None, None)
    assert (masked.metadata, masked.trace_metadata) == ({}, {})


def test_what_is_not_said_is_not_given_to_the_mask(observation: Make) -> None:
    before = observation()
    assert Mask(raising)(before) is before


def test_for_metadata_anything_but_a_dict_stands_in_place_of_each_value(observation: Make) -> None:
    masked = Mask(lambda data: "***")(observation(metadata={"a": 1, "b": {"c": 2}}))
    assert masked.metadata == {"a": "***", "b": "***"}


def test_a_result_is_made_safe_for_json(observation: Make) -> None:
    masked = Mask(lambda data: {"bytes": b"b", 1: float("nan"), "set": {1}})(observation(input="hi"))
    assert masked.input == {"bytes": "b", "1": "NaN", "set": [1]}


def test_names_and_links_are_not_given_to_the_mask(call: Make) -> None:
    before = call(
        SECRET,
        trace_name="checkout",
        user_id="user-1",
        tags=("a",),
        model_parameters={"temperature": 1},
        resource=Resource({"service.name": "shop"}),
    )
    masked = Mask(lambda data: "***")(before)

    for field in ("name", "trace_name", "user_id", "tags", "model", "model_parameters", "usage", "resource"):
        assert getattr(masked, field) == getattr(before, field)
    assert masked.passthrough == {
        "langfuse.experiment.id": "experiment-1",
        "langfuse.experiment.item.expected_output": "***",
    }


class Panic(BaseException):
    """As Rust's panics come to Python."""


def raising_a(kind: type[BaseException]) -> Callable[[Any], Any]:
    def mask(data: Any) -> Any:
        raise kind(str(data))

    return mask


@pytest.mark.parametrize("kind", [ValueError, RecursionError, MemoryError, SystemExit, asyncio.CancelledError, Panic])
def test_a_mask_that_raises_hides_everything_it_was_for(call: Make, kind: type[BaseException]) -> None:
    failures: list[None] = []
    masked = Mask(raising_a(kind), on_failed=lambda: failures.append(None))(call(SECRET))

    assert SECRET.encode() not in on_wires(masked)
    assert masked.input == masked.output == masked.status_message == FULLY_MASKED
    assert set(masked.metadata) == {"customer", "nested", "otel.events", "otel.links"}
    assert set(masked.metadata.values()) == {FULLY_MASKED}
    assert masked.passthrough["langfuse.experiment.id"] == "experiment-1"
    assert len(failures) == 1, "an observation counts once"


def test_a_mask_that_takes_too_long_time_and_again_is_not_called_for_a_while_and_hides_everything(call: Make) -> None:
    clock = FakeClock()
    failures: list[None] = []

    def mask(data: Any) -> Any:
        clock.sleep(TOO_SLOW_S + 1)
        return "masked"

    policy = Mask(mask, on_failed=lambda: failures.append(None), clock=clock)
    while not failures:
        policy(call(SECRET))
    assert len(clock.slept_s) == TOO_SLOW_CALLS
    masked = policy(call(SECRET))
    assert len(clock.slept_s) == TOO_SLOW_CALLS
    assert SECRET.encode() not in on_wires(masked)
    assert masked.input == masked.output == masked.status_message == FULLY_MASKED
    assert len(failures) == 2

    clock.now_s += PAUSE_S
    assert policy(call(SECRET)).input == "masked", "it is tried again"


def test_while_a_mask_does_not_return_other_threads_send_what_is_hidden_whole(call: Make) -> None:
    clock, entered, leave = FakeClock(), threading.Event(), threading.Event()

    def mask(data: Any) -> Any:
        entered.set()
        leave.wait(60)
        return data

    policy = Mask(mask, clock=clock)
    thread = threading.Thread(target=policy, args=(call(SECRET),))
    thread.start()
    assert entered.wait(20)
    clock.now_s += TOO_SLOW_S + 1
    masked = policy(call(SECRET))
    leave.set()
    thread.join(20)
    assert SECRET.encode() not in on_wires(masked)
    assert masked.input == FULLY_MASKED


def test_a_mask_that_fails_on_one_value_hides_that_one(observation: Make) -> None:
    def mask(data: Any) -> Any:
        return data.upper()

    masked = Mask(mask)(observation(input="hi", output=[1], metadata={"a": 1}))
    assert (masked.input, masked.output, masked.metadata) == ("HI", FULLY_MASKED, {"a": FULLY_MASKED})


@pytest.mark.parametrize(
    "unusable", [lambda: (x for x in ()), lambda: iter([]), asyncio.Future], ids=["generator", "iterator", "future"]
)
def test_what_has_no_json_form_is_a_failure(observation: Make, unusable: Callable[[], Any]) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        assert Mask(lambda data: unusable())(observation(input="hi")).input == FULLY_MASKED
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_a_status_message_becomes_a_text_or_is_hidden(observation: Make) -> None:
    assert Mask(lambda data: {"a": 1})(observation(status_message="no")).status_message == FULLY_MASKED


def test_a_value_that_cannot_be_copied_is_hidden(observation: Make) -> None:
    value: Any = SECRET
    for _ in range(100_000):
        value = [value]
    masked = Mask(lambda data: data)(observation(output=value))
    assert SECRET.encode() not in msgspec.json.encode(masked.output)


def test_ctrl_c_is_not_a_failure_of_the_mask(observation: Make) -> None:
    with pytest.raises(KeyboardInterrupt):
        Mask(raising_a(KeyboardInterrupt))(observation(input="hi"))


def test_a_failure_is_logged_once_with_its_place_and_without_the_content(
    call: Make, caplog: pytest.LogCaptureFixture
) -> None:
    mask = Mask(raising)
    for _ in range(3):
        mask(call(SECRET))

    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert "ValueError" in record.getMessage() and "test_mask.py" in record.getMessage()
    assert SECRET not in caplog.text


def test_masking_twice_calls_the_function_with_the_original_each_time(observation: Make) -> None:
    mask = Mask(lambda data: f"<{data}>")
    before = observation(input="hi")
    assert mask(before) == mask(before)


def test_messages_stay_readable_as_a_conversation(observation: Make) -> None:
    before = observation(input=[Message("user", "hi")])
    assert Mask(lambda data: data)(before).input == [{"role": "user", "content": "hi"}]
