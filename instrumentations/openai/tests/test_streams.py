"""Streams: every way in which reading one may begin, go on and stop."""

from __future__ import annotations

import gc
import json
import logging
import threading
import weakref
from typing import Any

import openai
import pytest
from openai import OpenAI
from opentelemetry.instrumentation.utils import suppress_instrumentation

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel_openai import OpenAIInstrumentor

HELLO: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
STREAM: dict[str, Any] = {**HELLO, "stream": True}


def answer(recording: Recording) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = json.loads(recording.attributes["gen_ai.output.messages"])
    return messages


def parts(recording: Recording) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = answer(recording)[0]["parts"]
    return shown


GREETING = [{"type": "text", "content": "Hello there"}]
BEGUN = [{"type": "text", "content": "Hello"}]


def test_a_stream_is_joined_to_one_answer(recording: Any, client: OpenAI) -> None:
    list(client.chat.completions.create(**STREAM))
    assert answer(recording) == [{"role": "assistant", "parts": GREETING, "finish_reason": "stop"}]
    assert recording.attributes["gen_ai.request.stream"] is True
    assert recording.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert "gen_ai.usage.input_tokens" not in recording.attributes


def test_usage_that_the_application_asked_for_is_read_and_passed_on(recording: Any, client: OpenAI) -> None:
    chunks = list(client.chat.completions.create(**STREAM, stream_options={"include_usage": True}))
    assert chunks[-1].usage is not None
    assert recording.attributes["gen_ai.usage.input_tokens"] == 12
    assert recording.attributes["gen_ai.usage.reasoning.output_tokens"] == 3


def test_with_stream_usage_the_extra_chunk_is_hidden(client: OpenAI, server: Any) -> None:
    bare = list(client.chat.completions.create(**STREAM))
    with Recording().of(OpenAIInstrumentor(), stream_usage=True) as recording:
        traced = list(client.chat.completions.create(**STREAM))
    assert server.requests[1]["stream_options"] == {"include_usage": True}
    assert [chunk.to_dict() for chunk in traced] == [chunk.to_dict() for chunk in bare]
    assert recording.attributes["gen_ai.usage.output_tokens"] == 7


def test_with_stream_usage_an_application_that_asks_itself_keeps_its_chunk(client: OpenAI) -> None:
    with Recording().of(OpenAIInstrumentor(), stream_usage=True) as recording:
        chunks = list(client.chat.completions.create(**STREAM, stream_options={"include_usage": True}))
    assert chunks[-1].usage is not None
    assert recording.attributes["gen_ai.usage.output_tokens"] == 7


def test_with_stream_usage_a_raw_stream_is_sent_as_it_was(client: OpenAI, server: Any) -> None:
    with Recording().of(OpenAIInstrumentor(), stream_usage=True):
        list(client.chat.completions.with_raw_response.create(**STREAM).parse())
    assert "stream_options" not in server.requests[0]


def test_tool_calls_are_joined_from_their_pieces(recording: Any, client: OpenAI, server: Any) -> None:
    def piece(index: int, **function: str) -> Any:
        first = {"id": f"call_{index}", "type": "function"} if "name" in function else {}
        return server.chunk({"tool_calls": [{"index": index, **first, "function": function}]})

    server.stream = [
        piece(0, name="weather", arguments=""),
        piece(1, name="time", arguments="{"),  # the pieces of parallel calls may come mixed
        piece(0, arguments='{"city":'),
        piece(1, arguments="}"),
        piece(0, arguments=' "Ulm"}'),
        server.chunk({}, "tool_calls"),
    ]
    list(client.chat.completions.create(**STREAM))
    assert parts(recording) == [
        {"type": "tool_call", "name": "weather", "arguments": {"city": "Ulm"}, "id": "call_0"},
        {"type": "tool_call", "name": "time", "arguments": {}, "id": "call_1"},
    ]


@pytest.mark.parametrize("numbering", [{"index": 0}, {}])
def test_parallel_calls_that_a_server_does_not_number_are_told_by_their_ids(
    recording: Any, client: OpenAI, server: Any, numbering: dict[str, int]
) -> None:
    def call(call_id: str, city: str) -> dict[str, Any]:
        function = {"name": "weather", "arguments": json.dumps({"city": city})}
        return {**numbering, "id": call_id, "type": "function", "function": function}

    server.stream = [server.chunk({"content": "Let me see", "tool_calls": [call("a", "Ulm"), call("b", "Bonn")]})]
    list(client.chat.completions.create(**STREAM))
    assert parts(recording) == [
        {"type": "text", "content": "Let me see"},
        {"type": "tool_call", "name": "weather", "arguments": {"city": "Ulm"}, "id": "a"},
        {"type": "tool_call", "name": "weather", "arguments": {"city": "Bonn"}, "id": "b"},
    ]


def test_what_comes_beside_a_piece_of_text_is_not_lost(recording: Any, client: OpenAI, server: Any) -> None:
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "time", "arguments": "{}"}}
    server.stream = [
        server.chunk({"content": "One"}),
        server.chunk({"content": " two", "reasoning_content": "Hm"}),
        server.chunk({"content": " three", "tool_calls": [call]}),
        {**server.chunk({"content": " four"}, "stop"), "usage": {**server.usage, "completion_tokens": 4}},
    ]
    list(client.chat.completions.create(**STREAM))
    assert answer(recording) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Hm"},
                {"type": "text", "content": "One two three four"},
                {"type": "tool_call", "name": "time", "arguments": {}, "id": "a"},
            ],
            "finish_reason": "stop",
        }
    ]
    assert recording.attributes["gen_ai.usage.output_tokens"] == 4


def test_a_function_call_of_the_old_form_is_joined(recording: Any, client: OpenAI, server: Any) -> None:
    server.stream = [
        server.chunk({"function_call": {"name": "weather", "arguments": '{"city":'}}),
        server.chunk({"function_call": {"arguments": ' "Ulm"}'}}, "function_call"),
    ]
    list(client.chat.completions.create(**STREAM))
    assert parts(recording) == [{"type": "tool_call", "name": "weather", "arguments": {"city": "Ulm"}}]


def test_choices_are_kept_apart(recording: Any, client: OpenAI, server: Any) -> None:
    server.stream = [server.chunk({"content": text}, index=index) for index, text in ((1, "b"), (0, "a"), (1, "B"))]
    list(client.chat.completions.create(**STREAM))
    assert [message["parts"][0]["content"] for message in answer(recording)] == ["a", "bB"]


def test_refusal_and_reasoning_and_audio_are_joined(recording: Any, client: OpenAI, server: Any) -> None:
    server.stream = [
        server.chunk({"reasoning_content": "Hm"}),
        server.chunk({"reasoning_content": "m"}),
        server.chunk({"refusal": "No"}),
        server.chunk({"audio": {"id": "audio_1", "data": "aGVs", "transcript": "hel"}}),
        server.chunk({"audio": {"data": "bG8=", "transcript": "lo"}}),
    ]
    list(client.chat.completions.create(**STREAM))
    assert parts(recording) == [
        {"type": "reasoning", "content": "Hmm"},
        {"type": "refusal", "content": "No"},
        {"type": "blob", "modality": "audio", "content": "aGVsbG8="},
        {"type": "text", "content": "hello"},
    ]


def test_audio_cut_anywhere_is_joined_as_text(recording: Any, client: OpenAI, server: Any) -> None:
    server.stream = [server.chunk({"audio": {"data": piece}}) for piece in ("aGVsb", "G8=")]
    list(client.chat.completions.create(**STREAM))
    assert parts(recording) == [{"type": "blob", "modality": "audio", "content": "aGVsbG8="}]


def test_ids_come_from_the_chunk_that_has_them(recording: Any, client: OpenAI, server: Any) -> None:
    azures_own = {**server.chunk({}), "id": "", "model": "", "choices": [], "prompt_filter_results": []}
    server.stream = [azures_own, *server.chunks()]
    list(client.chat.completions.create(**STREAM))
    assert recording.attributes["gen_ai.response.id"] == "chatcmpl-1"
    assert recording.attributes["gen_ai.response.model"] == "gpt-4o-mini-2024-07-18"


def test_the_clock_of_the_first_chunk_stops_at_content(recording: Any, client: OpenAI, server: Any) -> None:
    server.stream = [server.chunk({"role": "assistant", "content": ""}), server.chunk({}, "stop")]
    list(client.chat.completions.create(**STREAM))
    assert "gen_ai.response.time_to_first_chunk" not in recording.attributes


def test_stream_metrics(recording: Any, client: OpenAI) -> None:
    list(client.chat.completions.create(**STREAM))
    metrics = recording.metrics()
    assert metrics["gen_ai.client.operation.time_to_first_chunk"][0].count == 1
    assert metrics["gen_ai.client.operation.time_per_output_chunk"][0].count == 2


def test_a_stream_left_early_keeps_what_came(recording: Any, client: OpenAI) -> None:
    with client.chat.completions.create(**STREAM) as stream:
        for chunk in stream:
            if chunk.choices[0].delta.content == "Hello":
                break
    assert parts(recording) == BEGUN
    assert recording.span.status.is_ok


def test_an_exception_of_the_loop_is_not_the_calls(recording: Any, client: OpenAI) -> None:
    with pytest.raises(ZeroDivisionError), client.chat.completions.create(**STREAM) as stream:
        for _ in stream:
            raise ZeroDivisionError
    assert recording.span.status.is_ok


def test_a_connection_that_breaks_is_an_error_with_what_came(recording: Any, client: OpenAI, server: Any) -> None:
    server.stream = [*server.chunks()[:2], ConnectionResetError()]
    with pytest.raises(Exception) as raised:
        list(client.chat.completions.create(**STREAM))
    assert recording.attributes["error.type"] == f"{raised.type.__module__}.{raised.type.__qualname__}"
    assert parts(recording) == BEGUN
    assert recording.attributes["gen_ai.response.finish_reasons"] == ("error",)


def test_an_error_inside_the_stream_is_an_error(recording: Any, client: OpenAI, server: Any) -> None:
    server.stream = [*server.chunks()[:2], {"error": {"message": "overloaded", "code": "overloaded"}}]
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(**STREAM))
    assert recording.attributes["error.type"] == "openai.APIError"
    assert recording.span.status.description == "overloaded"


def test_a_stream_that_was_read_leaves_nothing_to_the_garbage_collector(recording: Any, client: OpenAI) -> None:
    def leftovers() -> int:
        stream = client.chat.completions.create(**STREAM)
        response = weakref.ref(stream.response)
        list(stream)
        del stream
        return response() is not None

    gc.disable()
    try:
        traced = leftovers()
        with suppress_instrumentation():
            bare = leftovers()
    finally:
        gc.enable()
    assert traced == bare


def test_a_stream_may_be_read_in_another_thread(recording: Any, client: OpenAI, caplog: Any) -> None:
    stream = client.chat.completions.create(**STREAM)
    reader = threading.Thread(target=lambda: list(stream))
    reader.start()
    reader.join(10)
    assert parts(recording) == GREETING
    assert not caplog.records


def test_a_failing_reader_of_chunks_is_not_noticed(
    recording: Any, client: OpenAI, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    from langfuse_otel.instrumentation.chat_completions import ChatChunks

    monkeypatch.setattr(ChatChunks, "add", lambda *_: 1 / 0)
    with caplog.at_level(logging.WARNING):
        assert len(list(client.chat.completions.create(**STREAM))) == 4
    assert recording.span.status.is_ok
