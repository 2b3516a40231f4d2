"""Content in attributes by the GenAI conventions before v1.37, read as that of the conventions now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import make_span, plain, registry_of, with_events

from langfuse_otel.conventions import gen_ai, gen_ai_events, gen_ai_prompt
from langfuse_otel.observation import Observation

_REGISTRY = registry_of(gen_ai.CONVENTION, gen_ai_events.CONVENTION, gen_ai_prompt.CONVENTION)


def observe(attributes: Mapping[str, Any] | None = None, **options: Any) -> Observation:
    return _REGISTRY.read(make_span(attributes, **options))


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


REQUEST = {
    "messages": [{"role": "user", "content": "hi"}],
    "model": "gpt-4o",
    "temperature": 0.5,
    "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}],
}


def test_a_whole_request_is_messages_tools_and_parameters() -> None:
    observation = observe({"gen_ai.prompt": json.dumps(REQUEST)})

    assert plain(observation.input) == {
        "messages": REQUEST["messages"],
        "tools": [{"type": "function", "name": "weather", "parameters": {"type": "object"}}],
    }
    assert (observation.model, observation.model_parameters) == ("gpt-4o", {"temperature": 0.5})
    assert observation.metadata == {}


def test_a_model_that_was_asked_for_and_another_that_answered_are_both_there() -> None:
    observation = observe({"gen_ai.prompt": json.dumps(REQUEST), "gen_ai.response.model": "gpt-4o-2024"})

    assert observation.model == "gpt-4o-2024"
    assert observation.metadata == {"gen_ai.prompt": {"model": "gpt-4o"}}


def test_parameters_that_have_no_place_are_metadata() -> None:
    observation = observe({"gen_ai.prompt": json.dumps(REQUEST), "gen_ai.request.temperature": 0.1})

    assert observation.model_parameters == {"temperature": 0.1}
    assert observation.metadata == {"gen_ai.prompt": {"temperature": 0.5}}


def test_a_whole_response_is_a_message_and_usage() -> None:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ho"}}
    response = {
        "id": "r1",
        "choices": [choice],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2},
        "logprobs": None,
    }
    observation = observe({"gen_ai.completion": json.dumps(response)})

    assert plain(observation.output) == {"role": "assistant", "content": "ho", "finish_reason": "stop"}
    assert observation.usage == {"input": 9, "output": 2, "total": 11}
    assert observation.metadata == {"gen_ai.completion": {"id": "r1"}}


def test_the_response_of_a_call_that_failed_is_no_output() -> None:
    observation = observe({"gen_ai.completion": '{"output": null}'})

    assert (observation.output, observation.metadata) == (None, {"gen_ai.completion": '{"output": null}'})


@pytest.mark.parametrize("messages", ['[["lc"]]', "[]", '"hi"', "[1]"])
def test_a_request_of_another_shape_is_the_input_as_it_is(messages: str) -> None:
    request = '{"messages": ' + messages + "}"

    assert observe({"gen_ai.prompt": request}).input == request
