"""The client's own stream helpers, and raw responses, which are read in other ways."""

from __future__ import annotations

import gc
import json
from typing import Any

import openai
import pytest
from openai import OpenAI

from langfuse_otel.instrumentation.contract import Recording

HELLO: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
STREAM: dict[str, Any] = {**HELLO, "stream": True}
GREETING = [{"type": "text", "content": "Hello there"}]
BEGUN = [{"type": "text", "content": "Hello"}]


def parts(recording: Recording) -> Any:
    return json.loads(recording.attributes["gen_ai.output.messages"])[0]["parts"]


def test_the_stream_helper_is_one_span(recording: Any, client: OpenAI, server: Any) -> None:
    with server.helpers(client).stream(**HELLO) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert kinds[-1] == "content.done"
    assert final.choices[0].message.content == "Hello there"
    assert parts(recording) == GREETING


def test_a_stream_helper_left_early_ends_without_error(recording: Any, client: OpenAI, server: Any) -> None:
    with server.helpers(client).stream(**HELLO) as stream:
        for event in stream:
            if event.type == "content.delta" and event.delta:
                break
    assert parts(recording) == BEGUN
    assert recording.span.status.is_ok


def test_a_raw_response_is_handed_on_untouched(recording: Any, client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(**HELLO)
    assert recording.attributes["gen_ai.usage.input_tokens"] == 12
    assert parts(recording) == GREETING
    assert raw.headers["x-request-id"] == "req_1"
    assert raw.parse().choices[0].message.content == "Hello there"
    assert len(recording.spans) == 1


def test_a_raw_stream_ends_with_the_stream(recording: Any, client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(**STREAM)
    assert recording.spans == ()
    assert raw.headers["x-request-id"] == "req_1"
    stream = raw.parse()
    assert isinstance(stream, openai.Stream)
    assert raw.parse() is stream
    assert len(list(stream)) == 4
    assert parts(recording) == GREETING


def test_a_raw_stream_read_as_bytes_ends_with_them(recording: Any, client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(**STREAM)
    assert b"Hello" in b"".join(raw.http_response.iter_bytes())
    assert recording.span.status.is_ok


def test_a_raw_stream_that_is_dropped_is_abandoned(recording: Any, client: OpenAI) -> None:
    client.chat.completions.with_raw_response.create(**STREAM)
    gc.collect()
    assert recording.attributes["error.type"] == "_OTHER"


@pytest.mark.parametrize("reading", ["parse", "json", "read", "text"])
def test_a_streaming_response_ends_with_its_body(recording: Any, client: OpenAI, reading: str) -> None:
    with client.chat.completions.with_streaming_response.create(**HELLO) as response:
        assert response.headers["x-request-id"] == "req_1"
        assert getattr(response, reading)()
    assert parts(recording) == GREETING
    assert recording.attributes["gen_ai.usage.input_tokens"] == 12


def test_a_streaming_response_that_is_not_read_ends_when_left(recording: Any, client: OpenAI) -> None:
    with client.chat.completions.with_streaming_response.create(**HELLO):
        assert recording.spans == ()
    assert recording.span.status.is_ok


def test_a_streaming_response_of_a_stream(recording: Any, client: OpenAI) -> None:
    with client.chat.completions.with_streaming_response.create(**STREAM) as response:
        assert len(list(response.parse())) == 4
    assert parts(recording) == GREETING


def test_a_streaming_response_read_by_lines(recording: Any, client: OpenAI) -> None:
    with client.chat.completions.with_streaming_response.create(**STREAM) as response:
        assert any("Hello" in line for line in response.iter_lines())
    assert recording.span.status.is_ok
