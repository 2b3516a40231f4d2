"""Observations on disk: what comes back is sent as what went in would have been."""

from __future__ import annotations

import json

import msgspec
import pytest
from any_span import spans as any_spans
from hypothesis import given
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langfuse_otel.conventions.registry import read
from langfuse_otel.delivery.spool.codec import from_bytes, to_bytes
from langfuse_otel.observation import Message, Observation, ToolCall, ToolFunction
from langfuse_otel.wire.encoded import Wire
from langfuse_otel.wire.ingestion import IngestionWire
from langfuse_otel.wire.otlp import OtlpWire


@pytest.fixture(params=[OtlpWire, IngestionWire])
def wire(request: pytest.FixtureRequest) -> Wire:
    made: Wire = request.param()
    return made


def observation(**fields: object) -> Observation:
    """One with the given fields."""
    return Observation(
        trace_id="a" * 32,
        span_id="b" * 16,
        name="call",
        start_ns=1_700_000_000_000_000_000,
        end_ns=1_700_000_001_000_000_000,
        resource=Resource({"service.name": "shop", "ports": (80, 443)}, "https://example.org/schema"),
        scope=InstrumentationScope("lib", "1.2", attributes={"public_key": "pk-lf-1"}),
        **fields,  # type: ignore[arg-type]
    )


def test_messages_and_tool_calls_are_sent_as_if_they_had_never_been_on_disk(wire: Wire) -> None:
    call = ToolCall(ToolFunction("weather", '{"city":"Rome"}'), id="1", extra={"index": 0})
    told = observation(
        type="generation",
        input=[Message("user", [{"type": "text", "text": "hot?"}]), Message("assistant", None, tool_calls=[call])],
        output=Message("assistant", "yes", reasoning_content="hm", extra={"refusal": None}),
        tags=("a", "b"),
    )
    assert _same_on(wire, told)


def test_resource_and_scope_come_back_as_the_same_objects_each_time() -> None:
    one, two = from_bytes(to_bytes(observation())), from_bytes(to_bytes(observation()))
    assert one.resource is two.resource
    assert one.scope is two.scope
    assert one.resource.attributes == {"service.name": "shop", "ports": (80, 443)}


def test_an_observation_that_json_cannot_hold_is_repaired_visibly(wire: Wire) -> None:
    back = from_bytes(to_bytes(observation(input="half a \ud83d surrogate")))
    assert back.input == "half a \\ud83d surrogate"


def test_what_json_cannot_hold_in_a_scope_is_repaired_visibly(wire: Wire) -> None:
    told = msgspec.structs.replace(observation(), scope=InstrumentationScope("half \ud83d", "\ud83d", "\ud83d"))
    assert _same_on(wire, told)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"\xff\xfe", json.dumps({"trace_id": 1}).encode()])
def test_what_is_no_observation_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        from_bytes(body)


@given(any_spans())
def test_any_span_is_sent_as_if_it_had_never_been_on_disk(span: ReadableSpan) -> None:
    told = read(span)
    for wire in (OtlpWire(), IngestionWire()):
        assert _same_on(wire, told)


def _same_on(wire: Wire, told: Observation) -> bool:
    return wire.encode(from_bytes(to_bytes(told))) == wire.encode(told)
