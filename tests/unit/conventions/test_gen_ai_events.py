"""Content in span events, read as that of attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from older_forms import DETAILS_EVENT, EVENTS, NOW
from opentelemetry.trace import Span
from reading import make_span, plain, registry_of, with_events

from langfuse_otel.conventions import gen_ai, gen_ai_events, gen_ai_prompt
from langfuse_otel.observation import Observation

_REGISTRY = registry_of(gen_ai.CONVENTION, gen_ai_events.CONVENTION, gen_ai_prompt.CONVENTION)


def observe(attributes: Mapping[str, Any] | None = None, **options: Any) -> Observation:
    return _REGISTRY.read(make_span(attributes, **options))


def test_events_win_over_attributes_that_are_as_old() -> None:
    events = (("gen_ai.user.message", {"content": "event"}),)

    observation = observe({"gen_ai.prompt": "attribute"}, during=with_events(*events))

    assert plain(observation.input) == [{"role": "user", "content": "event"}]
    assert observation.metadata == {"gen_ai.prompt": "attribute"}


def test_events_that_are_read_are_not_listed_again_and_all_others_are() -> None:
    events = (*EVENTS, ("cache.miss", {"key": "k"}))

    observation = observe({"gen_ai.system": "openai"}, during=with_events(*events))

    assert [event["name"] for event in observation.metadata["otel.events"]] == ["cache.miss"]
    assert observation.name == "work"


def test_events_that_say_something_else_than_the_input_stay_listed() -> None:
    observation = observe({"langfuse.observation.input": "mine"}, during=with_events(*EVENTS))

    assert [event["name"] for event in observation.metadata["otel.events"]] == [name for name, _ in EVENTS[:-1]]
    assert observation.input == "mine"
    assert plain(observation.output)["content"] == "Sun."


def test_an_event_that_says_more_than_its_content_stays_listed() -> None:
    content = ("gen_ai.content.prompt", {"gen_ai.prompt": "hi", "truncated": True})
    details = (DETAILS_EVENT[0][0], {**NOW, "gen_ai.response.id": "r1"})

    observation = observe({}, during=with_events(content))
    detailed = observe({}, during=with_events(details))

    assert observation.input == "hi"
    assert observation.metadata["otel.events"][0]["attributes"] == content[1]
    assert plain(detailed.output)["content"] == "Sun."
    assert detailed.metadata["otel.events"][0]["attributes"]["gen_ai.response.id"] == "r1"


def test_what_an_event_repeats_of_the_span_is_not_said_twice() -> None:
    details = (DETAILS_EVENT[0][0], {**NOW, "gen_ai.request.model": "m"})

    assert "otel.events" not in observe({"gen_ai.request.model": "m"}, during=with_events(details)).metadata


def test_the_events_of_a_tool_are_its_arguments_and_its_result() -> None:
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.id": "c1"}
    events = (
        ("gen_ai.tool.message", {"role": "tool", "content": '{"city": "Rome"}', "id": "c1"}),
        ("gen_ai.choice", {"message": '[{"text": "sunny"}]', "id": "c1"}),
    )

    observation = observe(attributes, during=with_events(*events))

    assert (observation.input, observation.output) == ('{"city": "Rome"}', "sunny")
    assert observation.metadata == attributes


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [
        ({}, {"content": None}),
        ({"content": 5}, {"content": [5]}),
        ({"content": "a", "tool_calls": "none"}, {"content": "a", "extra": {"tool_calls": "none"}}),
        ({"gen_ai.event.content": "plain"}, {"content": "plain"}),
        ({"role": "critic", "content": "a"}, {"role": "critic", "content": "a"}),
        ({"message": "5"}, {"content": "5"}),
    ],
)
def test_an_event_of_any_shape_is_a_message(attributes: dict[str, Any], shown: dict[str, Any]) -> None:
    observation = observe({}, during=with_events(("gen_ai.choice", attributes)))

    assert plain(observation.output) == {"role": "assistant", **shown}


def test_a_span_keeps_all_else_when_its_events_are_read() -> None:
    def failing(span: Span) -> None:
        with_events(*EVENTS)(span)
        span.record_exception(ValueError("bad date"))

    observation = observe({}, during=failing, resource={"service.version": "1"}, scope="strands")

    assert (observation.level, observation.version) == ("ERROR", "1")
    assert observation.scope is not None
    assert observation.scope.name == "strands"
