"""Which attributes leave, by their keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource

from langfuse_otel.observation import Observation
from langfuse_otel.policy.attributes import AttributeFilter

Make = Callable[..., Observation]
ATTRIBUTES = {"http.url": "u", "http.method": "GET", "db.password": "p", "gen_ai.response.id": "r"}


@pytest.mark.parametrize(
    ("allow", "deny", "left"),
    [
        ([], [], set(ATTRIBUTES)),
        ([], ["http.*"], {"db.password", "gen_ai.response.id"}),
        ([], ["*.password"], {"http.url", "http.method", "gen_ai.response.id"}),
        (["http.*", "gen_ai.*"], [], {"http.url", "http.method", "gen_ai.response.id"}),
        (["http.url"], [], {"http.url"}),
        (["*"], ["*"], set()),
        (["http.*"], ["http.url"], {"http.method"}),
    ],
)
def test_denied_attributes_go_and_if_any_are_allowed_only_those_stay(
    observation: Make, allow: list[str], deny: list[str], left: set[str]
) -> None:
    assert set(AttributeFilter(allow, deny)(observation(metadata=ATTRIBUTES)).metadata) == left


def test_attributes_of_span_events_and_links_count(observation: Make) -> None:
    event: dict[str, Any] = {"name": "query", "time_unix_nano": "1", "attributes": {"db.statement": "s", "rows": 1}}
    link = {"trace_id": "t", "span_id": "s", "attributes": {"db.statement": "s"}}
    before = observation(metadata={"otel.events": [event], "otel.links": [link]})

    after = AttributeFilter(deny=["db.*"])(before)

    assert after.metadata == {
        "otel.events": [{**event, "attributes": {"rows": 1}}],
        "otel.links": [{**link, "attributes": {}}],
    }
    assert before.metadata["otel.events"] == [event]


def test_what_is_a_field_of_langfuse_is_no_attribute(call: Make) -> None:
    before = call("x", user_id="u", tags=("t",), metadata={})
    assert AttributeFilter(allow=["nothing"], deny=["user*", "input", "order", "langfuse.*"])(before) is before


def test_what_the_exporter_says_itself_stays(observation: Make) -> None:
    ours = {
        "langfuse_otel.truncated": 5,
        "provider": "openai",
        "otel.events": [{"name": "e", "attributes": {}}],
        "otel.start_time_unix_nano": "1",
    }
    before = observation(metadata=ours)
    assert AttributeFilter(allow=["nothing"], deny=["*.nothing"])(before) is before


def test_denied_attributes_of_the_resource_go(observation: Make) -> None:
    resource = Resource({"service.name": "shop", "process.command_args": ("--key", "1")}, "schema")
    after = AttributeFilter(allow=["http.*"], deny=["process.*"])(observation(resource=resource))

    assert dict(after.resource.attributes) == {"service.name": "shop"}
    assert after.resource.schema_url == "schema"


def test_spans_of_one_resource_share_one_filtered_resource(observation: Make) -> None:
    """A wire writes each resource once a request, and knows it by identity."""
    step, resource = AttributeFilter(deny=["a"]), Resource({"a": 1, "b": 2})
    assert step(observation(resource=resource)).resource is step(observation(resource=resource)).resource


def test_a_key_that_had_to_be_told_apart_is_still_that_key(observation: Make) -> None:
    before = observation(metadata={"db.user": 1, "attributes.db.user": 2})
    assert AttributeFilter(deny=["db.*"])(before).metadata == {}


def test_an_observation_that_loses_nothing_is_itself(call: Make) -> None:
    before = call("x")
    assert AttributeFilter(allow=["*"], deny=["http.*"])(before) is before
