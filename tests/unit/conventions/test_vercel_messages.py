"""The Vercel AI SDK's messages, as Langfuse's input and output."""

from __future__ import annotations

import json
from typing import Any

import pytest
from reading import plain, reading

from langfuse_otel.conventions import gen_ai, vercel

read = reading(vercel.CONVENTION, gen_ai.CONVENTION, scope="ai", name="ai.generateText.doGenerate")
INNER = {"ai.operationId": "ai.generateText.doGenerate", "operation.name": "ai.generateText.doGenerate"}
OUTER = {"ai.operationId": "ai.generateText"}


def test_a_whole_conversation_comes_out_as_from_the_genai_conventions() -> None:
    theirs = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "text", "text": "here"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "reasoning", "text": "hm"},
                {"type": "tool-call", "toolCallId": "c1", "toolName": "f", "input": {"a": 1}},
            ],
        },
        {
            "role": "tool",
            "content": [
                {"type": "tool-result", "toolCallId": "c1", "toolName": "f", "output": {"type": "json", "value": [1]}},
                {"type": "tool-result", "toolCallId": "c2", "toolName": "f", "result": "two"},
            ],
        },
    ]
    standard = [
        {"role": "system", "parts": [{"type": "text", "content": "be brief"}]},
        {"role": "user", "parts": [{"type": "text", "content": "look"}, {"type": "text", "content": "here"}]},
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "hm"},
                {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}},
            ],
        },
        {
            "role": "tool",
            "parts": [
                {"type": "tool_call_response", "id": "c1", "name": "f", "response": [1]},
                {"type": "tool_call_response", "id": "c2", "name": "f", "response": "two"},
            ],
        },
    ]

    observation = read({**INNER, "ai.prompt.messages": json.dumps(theirs)})

    assert plain(observation.input) == plain(read({"gen_ai.input.messages": json.dumps(standard)}).input)


@pytest.mark.parametrize(
    ("part", "item"),
    [
        ({"type": "image", "image": "https://x/y.png"}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}),
        (
            {"type": "file", "mediaType": "image/png", "data": "aGk="},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        ),
        (
            {"type": "file", "mediaType": "application/pdf", "data": "aGk="},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk="}},
        ),
    ],
)
def test_media_are_content_items(part: dict[str, Any], item: dict[str, Any]) -> None:
    observation = read({**INNER, "ai.prompt.messages": json.dumps([{"role": "user", "content": [part]}])})
    (made,) = plain(observation.input)[0]["content"]

    assert {key: made[key] for key in item} == item


def test_keys_of_the_source_that_have_no_place_are_kept() -> None:
    message = {"role": "user", "content": "hi", "providerOptions": {"a": 1}}

    assert plain(read({**INNER, "ai.prompt.messages": json.dumps([message])}).input) == [
        {"role": "user", "content": "hi", "extra": {"providerOptions": {"a": 1}}}
    ]


@pytest.mark.parametrize(
    "prompt",
    [
        {"system": "be brief", "prompt": "hi"},
        {"system": "be brief", "messages": [{"role": "user", "content": "hi"}]},
    ],
)
def test_the_outer_spans_prompt_is_a_conversation(prompt: dict[str, Any]) -> None:
    assert plain(read({**OUTER, "ai.prompt": json.dumps(prompt)}).input) == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hi"},
    ]


@pytest.mark.parametrize("prompt", ['{"prompt": "hi", "later": 1}', '{"pro', "plain"])
def test_a_prompt_of_another_shape_is_the_input_as_it_is(prompt: str) -> None:
    assert read({**OUTER, "ai.prompt": prompt}).input == prompt


def test_text_reasoning_and_tool_calls_are_one_message() -> None:
    observation = read(
        {
            **INNER,
            "ai.response.text": "one moment",
            "ai.response.reasoning": "hm",
            "ai.response.toolCalls": '[{"toolCallType":"function","toolCallId":"c1","toolName":"f","args":"{}"}]',
        }
    )

    assert plain(observation.output) == {
        "role": "assistant",
        "content": "one moment",
        "reasoning_content": "hm",
        "tool_calls": [{"type": "function", "id": "c1", "function": {"name": "f", "arguments": "{}"}}],
    }


@pytest.mark.parametrize("key", ["ai.response.text", "ai.result.text", "ai.response.object", "ai.result.object"])
def test_text_or_an_object_is_the_messages_content(key: str) -> None:
    assert plain(read({**INNER, key: '{"a": 1}'}).output) == {"role": "assistant", "content": '{"a": 1}'}


def test_tool_calls_that_were_cut_off_stay_visible() -> None:
    observation = read({**INNER, "ai.response.text": "hi", "ai.response.toolCalls": '[{"tool'})

    assert plain(observation.output) == {"role": "assistant", "content": "hi"}
    assert observation.metadata["ai.response.toolCalls"] == '[{"tool'
