"""OpenInference's raw request and answer beside the messages that it reads from them."""

from __future__ import annotations

import json

import pytest

from support.openinference_spans import HELLO, HI, flat, inputs, outputs, read
from support.reading import plain


@pytest.mark.parametrize("value", ["text", '{"a": 1.0}', '{"id": 123456789012345678901234567890}'])
@pytest.mark.parametrize("mime_type", ["text/plain", "application/json"])
def test_raw_values_alone_are_input_and_output_unchanged(value: str, mime_type: str) -> None:
    observation = read({"input.value": value, "input.mime_type": mime_type, "output.value": value})

    assert (observation.input, observation.output) == (value, value)
    assert observation.metadata == {"input.mime_type": mime_type}


def test_messages_win_and_raw_values_that_say_more_are_metadata() -> None:
    raw = {"input.value": '{"messages": [], "other": 1}', "output.value": '{"id": "chatcmpl-1"}'}
    observation = read({**raw, **inputs(HI), **outputs(HELLO)})

    assert (plain(observation.input), plain(observation.output)) == ([HI], HELLO)
    assert observation.metadata == raw


@pytest.mark.parametrize(
    "raw",
    [
        "hi",
        json.dumps([HI]),
        json.dumps({"messages": [HI]}),
        json.dumps({"model": "m", "temperature": 0.5, "stream": None, "messages": [HI]}),
    ],
)
def test_a_raw_request_that_says_nothing_new_is_not_shown_again(raw: str) -> None:
    known = {"llm.invocation_parameters": '{"temperature": 0.5}', "llm.model_name": "m", **inputs(HI)}

    assert read({"input.value": raw, **known}).metadata == {}


@pytest.mark.parametrize(
    "raw",
    [
        "bye",
        "{}",
        "[]",
        "[[[",
        json.dumps([HI, HI]),
        json.dumps({"messages": [HI], "seed": 7}),
        json.dumps({"messages": [{**HI, "name": "Ann"}]}),
        json.dumps({"messages": [HI], "tools": 3}),
        json.dumps({"messages": 3}),
        json.dumps({"messages": [HI], "input": "hey"}),
        '{"messages": ' + "[" * 600 + "]" * 600 + "}",
    ],
)
def test_a_raw_request_that_says_something_new_is_metadata(raw: str) -> None:
    assert read({"input.value": raw, **inputs(HI)}).metadata == {"input.value": raw}


def test_a_raw_request_with_the_tools_that_are_shown_is_not_shown_again() -> None:
    tool = {"type": "function", "function": {"name": "weather"}}
    observation = read(
        {
            "input.value": json.dumps({"messages": [HI], "tools": [tool]}),
            "llm.tools.0.tool.json_schema": json.dumps(tool),
            **inputs(HI),
        }
    )

    assert observation.metadata == {}


def test_a_raw_request_may_spell_arguments_and_media_as_the_provider_does() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    raw = {"messages": [{"role": "user", "content": [image]}, {"role": "assistant", "tool_calls": [call]}]}
    read_ = inputs(
        {
            "role": "user",
            "contents.0.message_content.type": "image",
            "contents.0.message_content.image.image.url": "data:image/png;base64,AA==",
        },
        {
            "role": "assistant",
            "tool_calls.0.tool_call.id": "c1",
            "tool_calls.0.tool_call.function.name": "weather",
            "tool_calls.0.tool_call.function.arguments": '{"city": "Paris"}',
        },
    )

    assert read({"input.value": json.dumps(raw), **read_}).metadata == {}
    image["image_url"] = {"url": "data:image/png;base64,BB=="}
    assert "input.value" in read({"input.value": json.dumps(raw), **read_}).metadata


def test_a_raw_answer_that_says_nothing_new_is_not_shown_again() -> None:
    for raw in ("hello", json.dumps(HELLO), '{"content": "hello"}'):
        assert read({"output.value": raw, **outputs(HELLO)}).metadata == {}
    said = '{"answer": 5}'
    assert read({"output.value": said, **outputs({"role": "assistant", "content": said})}).metadata == {}


@pytest.mark.parametrize("raw", ['{"input": "a", "model": "m"}', '{"input": ["a"], "model": "m"}'])
def test_a_raw_embedding_request_that_says_nothing_new_is_not_shown_again(raw: str) -> None:
    text = {"embedding.embeddings.0.embedding.text": "a"}

    assert read({"input.value": raw, "embedding.model_name": "m", **text}).metadata == {}


def test_a_raw_embedding_request_that_shows_which_texts_are_apart_is_metadata() -> None:
    texts = flat("embedding.embeddings", {"embedding.text": "a"}, {"embedding.text": "b"})

    assert "input.value" in read({"input.value": '{"input": ["a", "b"]}', **texts}).metadata
