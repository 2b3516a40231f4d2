"""Completions: the text endpoint from before chat, which many compatible servers still have."""

from __future__ import annotations

import json
from typing import Any

from openai import OpenAI

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel_openai import OpenAIInstrumentor


def test_a_call_tells_prompts_answers_and_usage(recording: Any, client: OpenAI) -> None:
    client.completions.create(model="davinci", prompt=["Hi", "Ho"], max_tokens=16, stop="x", temperature=0.5)
    assert recording.span.name == "text_completion davinci"
    expected = {
        "gen_ai.operation.name": "text_completion",
        "gen_ai.request.max_tokens": 16,
        "gen_ai.request.stop_sequences": ("x",),
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.id": "cmpl-1",
        "gen_ai.response.finish_reasons": ("stop", "stop"),
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 7,
    }
    assert {name: recording.attributes.get(name) for name in expected} == expected
    assert json.loads(recording.attributes["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "Hi"}, {"type": "text", "content": "Ho"}]}
    ]
    assert [
        message["parts"][0]["content"] for message in json.loads(recording.attributes["gen_ai.output.messages"])
    ] == [
        "Hi there",
        "Ho there",
    ]


def test_a_stream_is_joined_and_its_usage_asked_for_on_request(client: OpenAI, server: Any) -> None:
    with Recording().of(OpenAIInstrumentor(), stream_usage=True) as recording:
        chunks = list(client.completions.create(model="davinci", prompt="Hi", stream=True))
    assert [chunk.choices[0].text for chunk in chunks] == ["Hello", " there"]
    assert server.requests[0]["stream_options"] == {"include_usage": True}
    assert json.loads(recording.attributes["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Hello there"}], "finish_reason": "stop"}
    ]
    assert recording.attributes["gen_ai.usage.output_tokens"] == 7
    assert recording.attributes["gen_ai.response.time_to_first_chunk"] > 0
