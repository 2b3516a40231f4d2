"""Content by the GenAI conventions before v1.37, read as that of the conventions now."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import Span

from langfuse_otel.conventions import gen_ai, gen_ai_legacy, langfuse, otel
from langfuse_otel.conventions.registry import Registry
from langfuse_otel.observation import Observation

_REGISTRY = Registry(
    (langfuse.CONVENTION, gen_ai.CONVENTION, gen_ai_legacy.EVENTS, gen_ai_legacy.CONVENTION, otel.CONVENTION)
)


def make_span(
    attributes: Mapping[str, Any] | None,
    *,
    during: Callable[[Span], None] = lambda span: None,
    resource: Mapping[str, Any] | None = None,
    scope: str = "tests",
) -> ReadableSpan:
    """A finished span with these attributes; ``during`` runs before it ends."""
    provider = TracerProvider(resource=Resource(resource or {}), shutdown_on_exit=False)
    span = provider.get_tracer(scope).start_span("work", attributes=attributes)
    during(span)
    span.end()
    assert isinstance(span, ReadableSpan)
    return span


def observe(attributes: Mapping[str, Any] | None = None, **options: Any) -> Observation:
    return _REGISTRY.read(make_span(attributes, **options))


def plain(value: object) -> Any:
    """As JSON shows it."""
    return msgspec.json.decode(msgspec.json.encode(value))


def with_events(*events: tuple[str, Mapping[str, Any]]) -> Callable[[Span], None]:
    def add(span: Span) -> None:
        for name, attributes in events:
            span.add_event(name, attributes)

    return add


NOW = {
    "gen_ai.system_instructions": '[{"type": "text", "content": "Be brief."}]',
    "gen_ai.input.messages": json.dumps(
        [
            {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]},
            {
                "role": "assistant",
                "parts": [{"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Rome"}}],
            },
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "sunny"}]},
        ]
    ),
    "gen_ai.output.messages": json.dumps(
        [{"role": "assistant", "parts": [{"type": "text", "content": "Sun."}], "finish_reason": "stop"}]
    ),
}
"""The conversation that is told in every old form below."""

CALLS = [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}]
CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "content": None, "tool_calls": CALLS},
    {"role": "tool", "content": "sunny", "tool_call_id": "c1"},
]
INDEXED = {
    "gen_ai.prompt.0.role": "system",
    "gen_ai.prompt.0.content": "Be brief.",
    "gen_ai.prompt.1.role": "user",
    "gen_ai.prompt.1.content": "Weather?",
    "gen_ai.prompt.2.role": "assistant",
    "gen_ai.prompt.2.tool_calls.0.id": "c1",
    "gen_ai.prompt.2.tool_calls.0.name": "weather",
    "gen_ai.prompt.2.tool_calls.0.arguments": '{"city": "Rome"}',
    "gen_ai.prompt.3.role": "tool",
    "gen_ai.prompt.3.content": "sunny",
    "gen_ai.prompt.3.tool_call_id": "c1",
    "gen_ai.completion.0.role": "assistant",
    "gen_ai.completion.0.content": "Sun.",
    "gen_ai.completion.0.finish_reason": "stop",
}
IN_ONE_TEXT = {
    "gen_ai.prompt": json.dumps(CHAT),
    "gen_ai.completion": json.dumps([{"role": "assistant", "content": "Sun.", "finish_reason": "stop"}]),
}
EVENTS = (
    ("gen_ai.system.message", {"gen_ai.system": "openai", "content": "Be brief."}),
    ("gen_ai.user.message", {"gen_ai.system": "openai", "content": "Weather?", "role": "user"}),
    ("gen_ai.assistant.message", {"gen_ai.system": "openai", "tool_calls": json.dumps(CALLS)}),
    ("gen_ai.tool.message", {"gen_ai.system": "openai", "content": "sunny", "id": "c1"}),
    ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": '{"content": "Sun."}'}),
)
AZURE_EVENTS = (
    ("gen_ai.system.message", {"gen_ai.event.content": '{"role": "system", "content": "Be brief."}'}),
    ("gen_ai.user.message", {"gen_ai.event.content": '{"role": "user", "content": "Weather?"}'}),
    ("gen_ai.assistant.message", {"gen_ai.event.content": json.dumps({"role": "assistant", "tool_calls": CALLS})}),
    ("gen_ai.tool.message", {"gen_ai.event.content": '{"content": "sunny", "id": "c1"}'}),
    (
        "gen_ai.choice",
        {"gen_ai.event.content": '{"message": {"content": "Sun."}, "finish_reason": "stop", "index": 0}'},
    ),
)
STRANDS_EVENTS = (
    ("gen_ai.system.message", {"content": '[{"text": "Be brief."}]'}),
    ("gen_ai.user.message", {"content": '[{"text": "Weather?"}]'}),
    (
        "gen_ai.assistant.message",
        {"content": '[{"toolUse": {"toolUseId": "c1", "name": "weather", "input": {"city": "Rome"}}}]'},
    ),
    (
        "gen_ai.tool.message",
        {"content": '[{"toolResult": {"toolUseId": "c1", "content": [{"text": "sunny"}]}}]'},
    ),
    ("gen_ai.choice", {"finish_reason": "stop", "message": '[{"text": "Sun."}]'}),
)
CONTENT_EVENTS = (
    ("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps(CHAT)}),
    ("gen_ai.content.completion", {"gen_ai.completion": IN_ONE_TEXT["gen_ai.completion"]}),
)
DETAILS_EVENT = (("gen_ai.client.inference.operation.details", NOW),)


@pytest.mark.parametrize(
    ("attributes", "events"),
    [
        pytest.param(INDEXED, (), id="indexed"),
        pytest.param(IN_ONE_TEXT, (), id="in one text"),
        pytest.param({"gen_ai.system": "openai"}, EVENTS, id="an event a message"),
        pytest.param({}, AZURE_EVENTS, id="Azure's events"),
        pytest.param({}, STRANDS_EVENTS, id="Strands' events"),
        pytest.param({}, CONTENT_EVENTS, id="content events"),
        pytest.param({}, DETAILS_EVENT, id="details event"),
        pytest.param(NOW, EVENTS[:-1], id="attributes now, and events as well"),
    ],
)
def test_the_same_conversation_is_the_same_in_every_form(
    attributes: Mapping[str, Any], events: tuple[tuple[str, Mapping[str, Any]], ...]
) -> None:
    now = observe(NOW)
    events = tuple(
        (name, {k: v for k, v in said.items() if (k, attributes.get(k)) != ("gen_ai.system", None)})
        for name, said in events
    )

    observation = observe(attributes, during=with_events(*events))

    assert observation.input == now.input
    assert observation.output == now.output
    assert observation.metadata.keys() <= {"provider"}


@pytest.mark.parametrize("form", [INDEXED, IN_ONE_TEXT])
def test_the_names_of_now_win_and_what_lost_stays_metadata(form: Mapping[str, Any]) -> None:
    now = {
        "gen_ai.input.messages": '[{"role": "user", "parts": [{"type": "text", "content": "now"}]}]',
        "gen_ai.output.messages": '[{"role": "assistant", "parts": [{"type": "text", "content": "now"}]}]',
    }

    observation = observe({**form, **now})

    assert plain(observation.input) == [{"role": "user", "content": "now"}]
    assert plain(observation.output) == {"role": "assistant", "content": "now"}
    assert observation.metadata == dict(form)


def test_events_win_over_attributes_that_are_as_old() -> None:
    events = (("gen_ai.user.message", {"content": "event"}),)

    observation = observe({"gen_ai.prompt": "attribute"}, during=with_events(*events))

    assert plain(observation.input) == [{"role": "user", "content": "event"}]
    assert observation.metadata == {"gen_ai.prompt": "attribute"}


def test_one_completion_is_the_message_and_several_are_a_list() -> None:
    both = observe({"gen_ai.completion.0.content": "a", "gen_ai.completion.1.content": "b"}).output

    assert plain(both) == [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]


def test_the_prompt_of_a_completion_is_a_users_message() -> None:
    assert plain(observe({"gen_ai.prompt.0.user": "Once upon"}).input) == [{"role": "user", "content": "Once upon"}]


def test_the_texts_of_an_embedding_are_one_message() -> None:
    found = observe({"gen_ai.prompt.0.content": "a", "gen_ai.prompt.1.content": "b"}).input

    assert plain(found) == [{"role": "user", "content": "a\nb"}]


def test_thoughts_before_the_answer_are_its_reasoning() -> None:
    found = observe(
        {
            "gen_ai.completion.0.role": "thinking",
            "gen_ai.completion.0.content": "Hm.",
            "gen_ai.completion.0.finish_reason": "end_turn",
            "gen_ai.completion.1.role": "assistant",
            "gen_ai.completion.1.content": "42",
        }
    ).output

    assert plain(found) == {
        "role": "assistant",
        "content": "42",
        "reasoning_content": "Hm.",
        "finish_reason": "end_turn",
    }


def test_thoughts_that_ended_otherwise_than_the_answer_are_a_message_of_their_own() -> None:
    found = observe(
        {
            "gen_ai.completion.0.role": "thinking",
            "gen_ai.completion.0.content": "Hm.",
            "gen_ai.completion.0.finish_reason": "length",
            "gen_ai.completion.1.content": "42",
            "gen_ai.completion.1.finish_reason": "stop",
        }
    ).output

    assert [message["finish_reason"] for message in plain(found)] == ["length", "stop"]


def test_thoughts_without_an_answer_are_a_message() -> None:
    found = observe({"gen_ai.completion.0.role": "thinking", "gen_ai.completion.0.content": "Hm."}).output

    assert plain(found) == {"role": "assistant", "content": None, "reasoning_content": "Hm."}


@pytest.mark.parametrize("key", ["reasoning", "reasoning_content"])
def test_reasoning_by_its_key_is_reasoning(key: str) -> None:
    found = observe({f"gen_ai.completion.0.{key}": "Hm.", "gen_ai.completion.0.content": "42"}).output

    assert plain(found) == {"role": "assistant", "content": "42", "reasoning_content": "Hm."}


def test_a_refusal_is_an_item_of_the_content() -> None:
    found = observe({"gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.refusal": "No."}).output

    assert plain(found) == {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}


def test_a_function_call_as_before_tools_is_a_tool_call() -> None:
    found = observe(
        {"gen_ai.completion.0.function_call.name": "f", "gen_ai.completion.0.function_call.arguments": '{"a": 1}'}
    ).output

    assert plain(found)["tool_calls"] == [{"type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}]


def test_arguments_that_are_no_json_stay_as_they_are() -> None:
    found = observe(
        {"gen_ai.completion.0.tool_calls.0.name": "f", "gen_ai.completion.0.tool_calls.0.arguments": "{a"}
    ).output

    assert plain(found)["tool_calls"][0]["function"]["arguments"] == "{a"


def test_content_in_blocks_is_content_in_parts() -> None:
    blocks = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
    ]

    (message,) = plain(observe({"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": json.dumps(blocks)}).input)

    text, linked, inline = message["content"]
    assert (text, linked) == (blocks[0], blocks[1])
    assert inline["image_url"] == {"url": "data:image/png;base64,AAAA"}


def test_blocks_of_text_are_text() -> None:
    blocks = json.dumps([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])

    assert plain(observe({"gen_ai.prompt.0.content": blocks}).input) == [{"role": "user", "content": "a\nb"}]


@pytest.mark.parametrize("content", ["[not json", "[1, 2]", '[{"a": 1}]', "[]", '{"type": "text"}'])
def test_a_text_that_looks_like_blocks_is_a_text(content: str) -> None:
    assert plain(observe({"gen_ai.prompt.0.content": content}).input) == [{"role": "user", "content": content}]


def test_anthropics_tool_results_are_answers() -> None:
    blocks = [{"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "sunny"}]}]

    found = observe({"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": json.dumps(blocks)}).input

    assert plain(found) == [{"role": "tool", "content": "sunny", "tool_call_id": "c1"}]


FUNCTIONS = {
    "llm.request.functions.0.name": "weather",
    "llm.request.functions.0.description": "Tells it",
    "llm.request.functions.0.parameters": '{"type": "object"}',
}
TOOLS = [{"type": "function", "name": "weather", "description": "Tells it", "parameters": {"type": "object"}}]


def test_functions_are_the_tools_of_the_input() -> None:
    found = plain(observe({"gen_ai.prompt.0.content": "hi", **FUNCTIONS}).input)

    assert found == {"messages": [{"role": "user", "content": "hi"}], "tools": TOOLS}


def test_functions_alone_are_an_input() -> None:
    assert plain(observe(FUNCTIONS).input) == {"messages": [], "tools": TOOLS}


@pytest.mark.parametrize("other", [{"langfuse.observation.input": "mine"}, {"gen_ai.prompt": "a text"}])
def test_functions_stay_metadata_where_the_input_is_no_conversation_of_ours(other: dict[str, str]) -> None:
    assert observe({**FUNCTIONS, **other}).metadata == FUNCTIONS


@pytest.mark.parametrize("text", ["Once upon", "[{'role': 'user', 'content': 'hi'}]", '{"city": "Rome"}', "[1]"])
def test_a_prompt_that_is_no_message_is_the_input_as_it_is(text: str) -> None:
    assert observe({"gen_ai.prompt": text}).input == text
    assert observe({}, during=with_events(("gen_ai.content.prompt", {"gen_ai.prompt": text}))).input == text


def test_choices_of_a_raw_answer_are_messages() -> None:
    choices = [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Sun."}}]

    found = observe({"gen_ai.completion": json.dumps(choices)}).output

    assert plain(found) == {"role": "assistant", "content": "Sun.", "finish_reason": "stop"}


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.prompt.prompt_filter_results": "[]"},
        {"gen_ai.prompt.prompt_error": '{"code": 429}'},
        {"gen_ai.prompt.variable.city": "Rome"},
        {"gen_ai.prompt.99999999999.role": "user"},
        {"gen_ai.prompt.0x.role": "user", "gen_ai.prompt.0.role": "user"},
        {"gen_ai.completion.content": "a"},
        {"gen_ai.aggregated_usage.input_tokens": 3},
        {"gen_ai.openai.response.service_tier": "default", "gen_ai.openai.api_base": "https://api.openai.com/v1"},
        {"llm.request.functions.name": "f"},
    ],
)
def test_what_is_no_message_stays_metadata_by_its_own_key(attributes: dict[str, Any]) -> None:
    observation = observe(attributes)

    assert observation.metadata == attributes
    assert (observation.input, observation.output, observation.usage) == (None, None, None)


def test_what_a_message_says_besides_is_kept() -> None:
    filtered = observe({"gen_ai.completion.0.content": "a", "gen_ai.completion.0.content_filter_results": "{}"}).output
    odd = observe({"gen_ai.prompt.0.role": 7, "gen_ai.prompt.0.content": "a"}).input
    nameless = observe({"gen_ai.prompt.0.content": "a", "gen_ai.prompt.0.tool_calls.0.id": "c1"}).input
    answered = observe({"gen_ai.prompt.0.role": "tool", "gen_ai.prompt.0.content": "a", "gen_ai.prompt.0.status": "ok"})

    assert plain(filtered)["extra"] == {"content_filter_results": "{}"}
    assert plain(odd)[0]["extra"] == {"role": 7}
    assert plain(nameless)[0]["extra"] == {"tool_calls": [{"id": "c1"}]}
    assert plain(answered.input) == [{"role": "tool", "content": "a", "extra": {"status": "ok"}}]


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


_VALUES = st.none() | st.text() | st.integers() | st.sampled_from(["[]", "[null]", '[{"message": 1}]', '{"role": []}'])
_NAMES = st.sampled_from(
    [
        *("", ".0", ".0.role", ".0.content", ".1.tool_calls", ".1.tool_calls.0.name", ".1.tool_calls.0.function"),
        *(".2.message", ".2.function_call.name", ".2.content.0.type", ".2.content.0.text", ".3.parts", ".3.user"),
    ]
)


@given(st.dictionaries(st.tuples(st.sampled_from(["gen_ai.prompt", "gen_ai.completion"]), _NAMES), _VALUES))
def test_no_combination_of_keys_and_values_is_beyond_it(found: dict[tuple[str, str], Any]) -> None:
    attributes = {prefix + name: value for (prefix, name), value in found.items() if value is not None}

    observation = observe(attributes)

    shown = json.dumps(plain([observation.input, observation.output, observation.metadata]))
    assert "langfuse_otel.error" not in observation.metadata
    for value in attributes.values():
        if isinstance(value, int):
            assert str(value) in shown


@pytest.mark.parametrize(
    "said",
    [
        {"role": "user", "content": "hi", "parts": "needle"},
        {"role": "user", "content": "needle", "message": {"role": "user", "content": "hi"}},
        {
            "role": "user",
            "message": {"role": "user", "content": "hi", "parts": [{"type": "text", "content": "needle"}]},
        },
    ],
)
def test_content_in_two_places_of_a_message_is_all_there(said: dict[str, Any]) -> None:
    observation = observe({"gen_ai.prompt": json.dumps([said])})

    assert "hi" in str(plain(observation.input))
    assert "needle" in str(plain(observation.input))
