"""What the ingestion endpoint is told (langfuse-api.md, section 2)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

import pytest

from langfuse_otel.observation import Message, Observation, ObservationType
from langfuse_otel.wire.ingestion import IngestionWire

Make = Callable[..., Observation]
WIRE = IngestionWire()


def events(*observations: Observation) -> list[dict[str, Any]]:
    batch: list[dict[str, Any]] = json.loads(WIRE.frame([WIRE.encode(one) for one in observations]))["batch"]
    return batch


def trace(observation: Observation) -> dict[str, Any]:
    body: dict[str, Any] = events(observation)[0]["body"]
    return body


def body(observation: Observation) -> dict[str, Any]:
    found: dict[str, Any] = events(observation)[1]["body"]
    return found


def test_an_observation_is_a_trace_event_and_one_of_its_own(observation: Make) -> None:
    first, second = events(observation())

    assert (first["type"], second["type"]) == ("trace-create", "span-create")
    assert first["timestamp"] == second["timestamp"] == second["body"]["endTime"] == "2033-05-18T03:33:20.000000Z"
    assert second["body"] == {
        "id": "b" * 16,
        "traceId": "a" * 32,
        "name": "work",
        "startTime": "2001-09-09T01:46:40.000000Z",
        "endTime": "2033-05-18T03:33:20.000000Z",
        "level": "DEFAULT",
        "metadata": {
            "resourceAttributes": {"service.name": "shop"},
            "scope": {"name": "tests", "version": "1.0", "attributes": {}},
        },
    }


def test_event_ids_are_unique_in_a_batch_and_the_same_when_resent(observation: Make) -> None:
    spans = [observation(span_id=f"{number:016x}") for number in range(3)]
    ids = [event["id"] for event in events(*spans)]

    assert len(set(ids)) == 6
    assert ids == [event["id"] for event in events(*spans)]


@pytest.mark.parametrize("type_", get_args(ObservationType))
def test_each_type_has_its_event(observation: Make, type_: str) -> None:
    assert events(observation(type=type_))[1]["type"] == f"{type_}-create"


def test_a_generation_has_the_model_calls_fields(observation: Make) -> None:
    found = body(
        observation(
            type="generation",
            model="m",
            model_parameters={"t": 0.5, "stop": ["x"], "schema": {"a": {"b": 1}}, "bias": [1]},
            usage={"input": 1},
            cost={"total": 0.5},
            completion_start_ns=1_500_000_000,
            prompt_name="p",
            prompt_version=3,
            parent_span_id="c" * 16,
            level="ERROR",
            status_message="broke",
        )
    )

    assert (found["model"], found["usageDetails"], found["costDetails"]) == ("m", {"input": 1}, {"total": 0.5})
    assert found["modelParameters"] == {"t": 0.5, "stop": ["x"], "schema": '{"a":{"b":1}}', "bias": "[1]"}
    assert found["completionStartTime"] == "1970-01-01T00:00:01.500000Z"
    assert (found["promptName"], found["promptVersion"]) == ("p", 3)
    assert (found["level"], found["statusMessage"]) == ("ERROR", "broke")
    assert found["parentObservationId"] == "c" * 16


@pytest.mark.parametrize("type_", ["span", "event"])
def test_a_span_keeps_a_model_in_its_metadata_because_the_server_would_drop_it(observation: Make, type_: str) -> None:
    found = body(observation(type=type_, model="m", usage={"input": 1}))

    assert "model" not in found
    assert (found["metadata"]["model"], found["metadata"]["usage_details"]) == ("m", {"input": 1})


def test_an_event_has_no_end(observation: Make) -> None:
    assert "endTime" not in body(observation(type="event"))


def test_a_prompt_without_a_version_would_be_refused_and_is_not_written(observation: Make) -> None:
    assert "promptName" not in body(observation(type="generation", prompt_name="p"))


def test_the_trace_has_the_traces_fields_from_every_span(observation: Make) -> None:
    assert trace(
        observation(
            user_id="u",
            session_id="s",
            trace_name="t",
            tags=("x",),
            trace_metadata={"tier": "gold"},
            release="r",
            version="v",
            environment="prod",
            public=False,
            input="not the trace's",
        )
    ) == {
        "id": "a" * 32,
        "timestamp": "2001-09-09T01:46:40.000000Z",
        "name": "t",
        "userId": "u",
        "sessionId": "s",
        "tags": ["x"],
        "metadata": {"tier": "gold"},
        "release": "r",
        "version": "v",
        "environment": "prod",
        "public": False,
    }


def test_the_root_gives_the_trace_its_name_input_and_output(observation: Make) -> None:
    found = trace(observation(is_app_root=True, input=[Message("user", "hi")], output="hello"))

    assert (found["name"], found["input"], found["output"]) == ("work", [{"role": "user", "content": "hi"}], "hello")


def test_metadata_keep_their_shape_and_what_langfuse_does_not_know(observation: Make) -> None:
    found = body(observation(metadata={"a": {"b": [1]}, "n": None}, passthrough={"langfuse.experiment.id": "e"}))

    assert found["metadata"]["a"] == {"b": [1]}
    assert found["metadata"]["n"] is None
    assert found["metadata"]["langfuse.experiment.id"] == "e"


def test_a_lone_surrogate_is_an_escape(observation: Make) -> None:
    assert body(observation(input="a\ud800"))["input"] == "a\\ud800"


def test_the_batch_says_its_size(observation: Make) -> None:
    assert json.loads(WIRE.frame([WIRE.encode(observation())]))["metadata"]["batch_size"] == 2
