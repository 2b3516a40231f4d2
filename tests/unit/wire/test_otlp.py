"""What the OTLP endpoint is told (langfuse-api.md, section 3.12)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langfuse_otel.observation import Message, Observation, ToolCall, ToolFunction
from langfuse_otel.wire.otlp import OtlpWire

Make = Callable[..., Observation]
WIRE = OtlpWire()


def span(observation: Observation) -> dict[str, Any]:
    """The span of a request with this observation alone, as JSON."""
    (resource_spans,) = json.loads(WIRE.frame([WIRE.encode(observation)]))["resourceSpans"]
    (scope_spans,) = resource_spans["scopeSpans"]
    (found,) = scope_spans["spans"]
    return dict(found)


def attributes(observation: Observation) -> dict[str, Any]:
    return {attribute["key"]: attribute["value"] for attribute in span(observation)["attributes"]}


def text(observation: Observation, key: str) -> Any:
    return attributes(observation)[f"langfuse.{key}"]["stringValue"]


def test_it_writes_for_the_endpoint_that_shows_traces_at_once() -> None:
    assert (WIRE.name, WIRE.path) == ("otlp", "/api/public/otel/v1/traces")
    assert WIRE.content_type == "application/json"
    assert WIRE.headers == {"x-langfuse-ingestion-version": "4"}


def test_a_bare_observation_says_its_type_and_nothing_that_was_not_said(observation: Make) -> None:
    assert span(observation()) == {
        "traceId": "a" * 32,
        "spanId": "b" * 16,
        "name": "work",
        "startTimeUnixNano": "1000000000000000000",
        "endTimeUnixNano": "2000000000000000000",
        "attributes": [{"key": "langfuse.observation.type", "value": {"stringValue": "span"}}],
        "status": {},
    }


def test_every_field_has_its_attribute(observation: Make) -> None:
    full = observation(
        type="generation",
        parent_span_id="c" * 16,
        level="ERROR",
        status_message="broke",
        input="in",
        output={"a": 1},
        model="m",
        model_parameters={"temperature": 0.5},
        usage={"input": 1, "output": 2, "total": 3},
        cost={"total": 0.5},
        completion_start_ns=1_500_000_000,
        prompt_name="p",
        prompt_version=3,
        user_id="u",
        session_id="s",
        trace_name="t",
        tags=("x", "y"),
        trace_metadata={"tier": "gold"},
        release="r",
        environment="prod",
        version="v",
        public=True,
        is_app_root=True,
        passthrough={"langfuse.experiment.id": "e"},
        metadata={"k": "v"},
    )

    assert attributes(full) == {
        "langfuse.observation.type": {"stringValue": "generation"},
        "langfuse.observation.level": {"stringValue": "ERROR"},
        "langfuse.observation.status_message": {"stringValue": "broke"},
        "langfuse.observation.input": {"stringValue": "in"},
        "langfuse.observation.output": {"stringValue": '{"a":1}'},
        "langfuse.observation.model.name": {"stringValue": "m"},
        "langfuse.observation.model.parameters": {"stringValue": '{"temperature":0.5}'},
        "langfuse.observation.usage_details": {"stringValue": '{"input":1,"output":2,"total":3}'},
        "langfuse.observation.cost_details": {"stringValue": '{"total":0.5}'},
        "langfuse.observation.completion_start_time": {"stringValue": "1970-01-01T00:00:01.500000Z"},
        "langfuse.observation.prompt.name": {"stringValue": "p"},
        "langfuse.observation.prompt.version": {"intValue": 3},
        "user.id": {"stringValue": "u"},
        "session.id": {"stringValue": "s"},
        "langfuse.trace.name": {"stringValue": "t"},
        "langfuse.trace.tags": {"arrayValue": {"values": [{"stringValue": "x"}, {"stringValue": "y"}]}},
        "langfuse.trace.metadata": {"stringValue": '{"tier":"gold"}'},
        "langfuse.release": {"stringValue": "r"},
        "langfuse.environment": {"stringValue": "prod"},
        "langfuse.version": {"stringValue": "v"},
        "langfuse.trace.public": {"boolValue": True},
        "langfuse.internal.is_app_root": {"boolValue": True},
        "langfuse.experiment.id": {"stringValue": "e"},
        "langfuse.observation.metadata": {"stringValue": '{"k":"v"}'},
    }
    assert span(full)["parentSpanId"] == "c" * 16
    assert span(full)["status"] == {"code": 2, "message": "broke"}


def test_messages_are_json_text_of_openai_messages(observation: Make) -> None:
    call = ToolCall(ToolFunction("weather", '{"city":"Paris"}'), "c1")
    found = observation(input=[Message("user", "hi")], output=Message("assistant", None, tool_calls=[call]))

    assert json.loads(text(found, "observation.input")) == [{"role": "user", "content": "hi"}]
    assert json.loads(text(found, "observation.output")) == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"type": "function", "id": "c1", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
        ],
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("9.9", {"stringValue": "9.9"}),
        (True, {"boolValue": True}),
        (7, {"intValue": 7}),
        (0, {"doubleValue": 0}),
        (0.5, {"doubleValue": 0.5}),
        (None, {"stringValue": "null"}),
        ([], {"stringValue": "[]"}),
        ({}, {"stringValue": "{}"}),
        ({"a": [1]}, {"stringValue": '{"a":[1]}'}),
        (["a", "b"], {"arrayValue": {"values": [{"stringValue": "a"}, {"stringValue": "b"}]}}),
        (["a", 1], {"stringValue": '["a",1]'}),
        (False, {"boolValue": False}),
    ],
)
def test_what_is_passed_through_are_values_that_the_server_reads_back(
    observation: Make, value: Any, written: dict[str, Any]
) -> None:
    assert attributes(observation(passthrough={"langfuse.k": value}))["langfuse.k"] == written


def test_metadata_are_one_object_and_nothing_where_there_are_none(observation: Make) -> None:
    metadata = {"a.b": "9.9", "count": 0, "list": ["a", 1], "none": None, "object": {"a": [1]}}

    assert json.loads(text(observation(metadata=metadata), "observation.metadata")) == metadata
    assert "langfuse.observation.metadata" not in attributes(observation(metadata={}, trace_metadata={}))


def test_a_lone_surrogate_is_an_escape_and_spoils_nothing_else(observation: Make) -> None:
    found = observation(input=[Message("user", "a\ud800")], metadata={"b\udfff": "c"}, tags=("t",), model="m")

    assert json.loads(text(found, "observation.input")) == [{"role": "user", "content": "a\\ud800"}]
    assert json.loads(text(found, "observation.metadata")) == {"b\\udfff": "c"}
    assert text(found, "observation.model.name") == "m"


def test_a_prompt_without_a_version_is_not_written(observation: Make) -> None:
    assert not any("prompt" in key for key in attributes(observation(prompt_name="p")))


def test_spans_of_one_resource_and_scope_share_a_head(observation: Make) -> None:
    scope = InstrumentationScope("other")
    items = [
        WIRE.encode(observation(span_id=f"{number:016x}", **({"scope": scope} if number % 2 else {})))
        for number in range(4)
    ]

    assert items[0].group is items[2].group
    groups = json.loads(WIRE.frame(items))["resourceSpans"]
    assert [
        (group["scopeSpans"][0]["scope"]["name"], [int(span["spanId"], 16) for span in group["scopeSpans"][0]["spans"]])
        for group in groups
    ] == [("tests", [0, 2]), ("other", [1, 3])]
    assert groups[0]["resource"] == {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}


def test_heads_of_equal_resources_are_equal_bytes_also_in_another_process(observation: Make) -> None:
    first = WIRE.encode(observation(resource=Resource({"a": 1})))

    assert OtlpWire().encode(observation(resource=Resource({"a": 1}))).group == first.group


def test_what_is_cut_keeps_what_can_be_counted(observation: Make) -> None:
    found = observation(input="x" * 5_000_000, model="m", usage={"input": 1}, metadata={"short": "kept"})

    assert "… [truncated: 5,000,000 bytes]" in text(found, "observation.input")
    assert text(found, "observation.usage_details") == '{"input":1}'
    metadata = json.loads(text(found, "observation.metadata"))
    assert metadata["short"] == "kept"
    assert metadata["langfuse_otel.truncated"] > 5_000_000
