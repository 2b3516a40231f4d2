"""Streams: raw events, the client's helper, and every way in which reading one may stop."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel_anthropic import AnthropicInstrumentor
from support.cancelled import cancelled

HELLO: dict[str, Any] = {"model": "claude-opus-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]}
STREAM: dict[str, Any] = {**HELLO, "stream": True}
GREETING = [{"type": "text", "content": "Hello there"}]
BEGUN = [{"type": "text", "content": "Hello"}]


def answer(recording: Recording) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = json.loads(recording.attributes["gen_ai.output.messages"])
    return said


def parts(recording: Recording) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = answer(recording)[0]["parts"]
    return shown


def assert_is_the_greeting(recording: Recording) -> None:
    assert answer(recording) == [{"role": "assistant", "parts": GREETING, "finish_reason": "end_turn"}]
    assert recording.attributes["gen_ai.request.stream"] is True
    assert recording.attributes["gen_ai.usage.input_tokens"] == 142
    assert recording.attributes["gen_ai.usage.output_tokens"] == 7
    assert recording.attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert recording.span.status.is_ok


def test_a_stream_is_joined_to_one_message(recording: Any, client: Anthropic) -> None:
    list(client.messages.create(**STREAM))
    assert_is_the_greeting(recording)


def test_blocks_are_joined_from_their_pieces(recording: Any, client: Anthropic, server: Any) -> None:
    thought = {"type": "thinking", "thinking": "", "signature": ""}
    tool = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}
    server.stream = server.stream_of(
        server.block(
            0,
            thought,
            {"type": "thinking_delta", "thinking": "Let"},
            {"type": "thinking_delta", "thinking": " me"},
            {"type": "signature_delta", "signature": "s"},
        ),
        server.block(1, {"type": "text", "text": ""}, *server.text_deltas("So", " be it")),
        server.block(
            2, tool, *({"type": "input_json_delta", "partial_json": piece} for piece in ("", '{"city":', ' "Ulm"}'))
        ),
        server.block(3, {**tool, "id": "toolu_2", "name": "time"}),
        stop_reason="tool_use",
    )
    list(client.messages.create(**STREAM))
    assert answer(recording) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Let me"},
                {"type": "text", "content": "So be it"},
                {"type": "tool_call", "id": "toolu_1", "name": "weather", "arguments": {"city": "Ulm"}},
                {"type": "tool_call", "id": "toolu_2", "name": "time", "arguments": {}},
            ],
            "finish_reason": "tool_use",
        }
    ]


def test_an_error_inside_the_stream_is_an_error_with_what_came(recording: Any, client: Anthropic, server: Any) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    server.stream = [*server.stream[:4], error]
    with pytest.raises(anthropic.APIStatusError):
        list(client.messages.create(**STREAM))
    assert recording.attributes["error.type"].startswith("anthropic.")
    assert "Overloaded" in recording.span.status.description
    assert "http.response.status_code" not in recording.attributes or (
        recording.attributes["http.response.status_code"] == 200
    )
    assert parts(recording) == BEGUN


def test_a_connection_that_breaks_is_an_error_with_what_came(recording: Any, client: Anthropic, server: Any) -> None:
    server.stream = [*server.stream[:4], ConnectionResetError()]
    with pytest.raises(Exception) as raised:
        list(client.messages.create(**STREAM))
    assert recording.attributes["error.type"] == f"{raised.type.__module__}.{raised.type.__qualname__}"
    assert parts(recording) == BEGUN
    assert recording.attributes["gen_ai.usage.input_tokens"] == 142
    assert recording.attributes["gen_ai.response.finish_reasons"] == ("error",)


def test_a_stream_left_early_keeps_what_came(recording: Any, client: Anthropic) -> None:
    with client.messages.create(**STREAM) as stream:
        for event in stream:
            if event.type == "content_block_delta":
                break
    assert parts(recording) == BEGUN
    assert recording.span.status.is_ok


# The helper


@pytest.mark.parametrize("beta", [False, True])
def test_the_helper_is_one_span(recording: Any, client: Anthropic, beta: bool) -> None:
    with (client.beta.messages if beta else client.messages).stream(**HELLO) as stream:
        kinds = [event.type for event in stream]
        assert stream.get_final_message().content[0].text == "Hello there"  # type: ignore[union-attr]
    assert kinds[-1] == "message_stop"
    assert "text" in kinds
    assert_is_the_greeting(recording)


@pytest.mark.parametrize("reading", ["text_stream", "get_final_message", "get_final_text", "until_done"])
def test_the_helper_read_in_other_ways(recording: Any, client: Anthropic, reading: str) -> None:
    with client.messages.stream(**HELLO) as stream:
        if reading == "text_stream":
            assert "".join(stream.text_stream) == "Hello there"
        else:
            getattr(stream, reading)()
    assert_is_the_greeting(recording)


def test_the_helper_has_the_classes_and_events_that_it_has_without_us(recording: Any, client: Anthropic) -> None:
    with client.messages.stream(**HELLO) as stream:
        traced = [(type(event), event.to_json()) for event in stream]
    AnthropicInstrumentor().uninstrument()
    with client.messages.stream(**HELLO) as bare_stream:
        bare = [(type(event), event.to_json()) for event in bare_stream]
    assert traced == bare
    assert type(stream) is type(bare_stream)


def test_a_helper_that_is_not_entered_is_no_call(recording: Any, client: Anthropic, server: Any) -> None:
    manager = client.messages.stream(**HELLO)
    assert isinstance(manager, anthropic.MessageStreamManager)
    del manager
    gc.collect()
    assert recording.spans == ()
    assert server.requests == []


def test_a_helper_left_early_keeps_what_came(recording: Any, client: Anthropic) -> None:
    with client.messages.stream(**HELLO) as stream:
        assert next(iter(stream.text_stream)) == "Hello"
    assert parts(recording) == BEGUN
    assert recording.span.status.is_ok


def test_a_helper_whose_request_fails_is_an_error(recording: Any, client: Anthropic, server: Any) -> None:
    server.status = [404]
    with pytest.raises(anthropic.NotFoundError), client.messages.stream(**HELLO):
        pass
    assert recording.attributes["error.type"] == "anthropic.NotFoundError"


def test_an_exception_of_the_block_is_not_the_calls(recording: Any, client: Anthropic) -> None:
    with pytest.raises(ZeroDivisionError), client.messages.stream(**HELLO) as stream:
        for _ in stream:
            raise ZeroDivisionError
    assert recording.span.status.is_ok


def test_a_stream_may_be_read_in_another_thread(recording: Any, client: Anthropic) -> None:
    with client.messages.stream(**HELLO) as stream:
        reader = threading.Thread(target=stream.until_done)
        reader.start()
        reader.join(10)
    assert_is_the_greeting(recording)


# Raw


def test_a_raw_stream_ends_with_the_stream(recording: Any, client: Anthropic) -> None:
    raw = client.messages.with_raw_response.create(**STREAM)
    assert recording.spans == ()
    stream = raw.parse()
    assert isinstance(stream, anthropic.Stream)
    list(stream)
    assert_is_the_greeting(recording)


def test_a_streaming_response_of_a_stream(recording: Any, client: Anthropic) -> None:
    with client.messages.with_streaming_response.create(**STREAM) as response:
        list(response.parse())  # type: ignore[call-overload]
    assert_is_the_greeting(recording)


def test_a_streaming_response_read_by_lines_ends_when_left(recording: Any, client: Anthropic) -> None:
    with client.messages.with_streaming_response.create(**STREAM) as response:
        assert any("Hello" in line for line in response.iter_lines())
    assert recording.span.status.is_ok


# Async


def test_an_async_stream_is_joined_and_keeps_its_class(recording: Any, async_client: AsyncAnthropic) -> None:
    async def read() -> None:
        stream = await async_client.messages.create(**STREAM)
        assert isinstance(stream, anthropic.AsyncStream)
        async for _ in stream:
            pass

    asyncio.run(read())
    assert_is_the_greeting(recording)


@pytest.mark.parametrize("beta", [False, True])
@pytest.mark.parametrize("reading", ["events", "text_stream", "get_final_message", "until_done"])
def test_the_async_helper_is_one_span(recording: Any, async_client: AsyncAnthropic, reading: str, beta: bool) -> None:
    async def read() -> None:
        async with (async_client.beta.messages if beta else async_client.messages).stream(**HELLO) as stream:
            if reading == "events":
                async for _ in stream:
                    pass
            elif reading == "text_stream":
                assert "".join([text async for text in stream.text_stream]) == "Hello there"
            else:
                await getattr(stream, reading)()

    asyncio.run(read())
    assert_is_the_greeting(recording)


def test_an_async_helper_left_early_keeps_what_came(recording: Any, async_client: AsyncAnthropic) -> None:
    async def leave() -> None:
        async with async_client.messages.stream(**HELLO) as stream:
            async for _ in stream.text_stream:
                break

    asyncio.run(leave())
    assert parts(recording) == BEGUN
    assert recording.span.status.is_ok


def test_an_async_helper_cancelled_while_it_is_read(recording: Any, async_client: AsyncAnthropic, server: Any) -> None:
    server.hold = threading.Event()
    begun = threading.Event()

    async def read() -> None:
        async with async_client.messages.stream(**HELLO) as stream:
            async for _ in stream.text_stream:
                begun.set()

    cancelled(read, begun)
    assert recording.attributes["error.type"] == "asyncio.exceptions.CancelledError"
    assert parts(recording) == BEGUN


def test_an_async_stream_dropped_is_abandoned(recording: Any, async_client: AsyncAnthropic) -> None:
    async def drop() -> None:
        await async_client.messages.create(**STREAM)
        gc.collect()

    asyncio.run(drop())
    recording.wait_for(1)
    assert recording.attributes["error.type"] == "_OTHER"
