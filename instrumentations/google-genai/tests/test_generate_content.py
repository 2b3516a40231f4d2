"""Generating content: what a span says of a request and of its answer, plain and streamed."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from typing import Any

import pytest
from google.genai import Client, errors, types
from opentelemetry.trace import StatusCode

from support.cancelled import cancelled

MODEL = "gemini-2.5-flash"
HELLO: dict[str, Any] = {"model": MODEL, "contents": "Hi"}
GREETING = [{"type": "text", "content": "Hello there"}]


def messages(recording: Any, which: str) -> list[dict[str, Any]]:
    recorded: list[dict[str, Any]] = json.loads(recording.attributes[f"gen_ai.{which}.messages"])
    return recorded


CONFIG = {
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 3,
    "max_output_tokens": 64,
    "candidate_count": 2,
    "seed": 7,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.2,
    "stop_sequences": ["x"],
    "response_mime_type": "application/json",
    "system_instruction": "Be brief",
}


@pytest.mark.parametrize("config", [CONFIG, types.GenerateContentConfig(**CONFIG)], ids=["dict", "model"])
def test_a_call_tells_model_usage_and_answer(recording: Any, client: Client, server: Any, config: Any) -> None:
    client.models.generate_content(**HELLO, config=config)
    said = dict(recording.attributes)
    content = {name: json.loads(said.pop(name)) for name in list(said) if str(said[name])[0] == "["}
    assert recording.span.name == f"generate_content {MODEL}"
    assert recording.span.kind.name == "CLIENT"
    assert said.pop("gen_ai.response.id", "resp_1") == "resp_1"  # older clients do not hand it on
    assert said == {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": MODEL,
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.top_k": 3,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.seed": 7,
        "gen_ai.request.presence_penalty": 0.1,
        "gen_ai.request.frequency_penalty": 0.2,
        "gen_ai.request.stop_sequences": ("x",),
        "gen_ai.output.type": "json",
        "gen_ai.response.model": "gemini-2.5-flash-001",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 17,  # 12, and 5 of tools' prompts
        "gen_ai.usage.output_tokens": 10,  # 7, and 3 of thoughts
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 3,
        "gen_ai.usage.audio.input_tokens": 2,
    }
    assert content == {
        "gen_ai.system_instructions": [{"type": "text", "content": "Be brief"}],
        "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}],
        "gen_ai.output.messages": [{"role": "assistant", "parts": GREETING, "finish_reason": "stop"}],
    }


CONTENTS: list[Any] = [
    "Look",
    types.Part.from_bytes(data=b"hi", mime_type="image/png"),
    types.Part.from_uri(file_uri="gs://bucket/a.pdf", mime_type="application/pdf"),
    types.Content(role="model", parts=[types.Part.from_function_call(name="weather", args={"city": "Ulm"})]),
    {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"result": "Rain"}}}]},
    {"role": "user", "parts": [{"inline_data": {"data": "aGk=", "mime_type": "audio/wav"}}, {"text": "So?"}]},
]


def test_every_kind_of_part_is_told(recording: Any, client: Client) -> None:
    client.models.generate_content(model=MODEL, contents=CONTENTS)
    assert messages(recording, "input") == [
        {
            "role": "user",
            "parts": [
                {"type": "text", "content": "Look"},
                {"type": "blob", "modality": "image", "content": "aGk=", "mime_type": "image/png"},
                {"type": "uri", "modality": "document", "uri": "gs://bucket/a.pdf", "mime_type": "application/pdf"},
            ],
        },
        {"role": "assistant", "parts": [{"type": "tool_call", "name": "weather", "arguments": {"city": "Ulm"}}]},
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "response": {"result": "Rain"}, "name": "weather"}],
        },
        {
            "role": "user",
            "parts": [
                {"type": "blob", "modality": "audio", "content": "aGk=", "mime_type": "audio/wav"},
                {"type": "text", "content": "So?"},
            ],
        },
    ]


def test_thoughts_calls_and_media_of_the_answer(recording: Any, client: Client, server: Any) -> None:
    server.answers = [
        server.answer(
            {"text": "Let me see", "thought": True},
            {"functionCall": {"name": "weather", "args": {"city": "Ulm"}}},
            {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
            {"executableCode": {"language": "PYTHON", "code": "1 + 1"}},
        )
    ]
    client.models.generate_content(**HELLO)
    assert [part["type"] for part in messages(recording, "output")[0]["parts"]] == [
        "reasoning",
        "tool_call",
        "blob",
        "server_tool_call",
    ]


def test_tools_are_told_by_their_declarations(recording: Any, client: Client) -> None:
    declared = {"name": "weather", "description": "Weather", "parameters": {"type": "OBJECT"}}
    search = types.Tool(google_search=types.GoogleSearch())
    client.models.generate_content(**HELLO, config={"tools": [{"function_declarations": [declared]}, search]})
    weather, google = json.loads(recording.attributes["gen_ai.tool.definitions"])
    assert weather == {"type": "function", **declared}
    assert google == {"type": "google_search", "name": "google_search"}


def test_a_blocked_prompt_is_told_by_its_reason(recording: Any, client: Client, server: Any) -> None:
    server.answers = [{"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 12}}]
    client.models.generate_content(**HELLO)
    assert recording.attributes["gen_ai.response.finish_reasons"] == ("content_filter",)
    assert recording.attributes["gen_ai.usage.input_tokens"] == 12


def test_an_error_tells_the_status(recording: Any, client: Client, server: Any) -> None:
    server.status = [404]
    with pytest.raises(errors.ClientError):
        client.models.generate_content(**HELLO)
    assert recording.attributes["error.type"] == "google.genai.errors.ClientError"
    assert recording.attributes["http.response.status_code"] == 404
    assert "no such model" in recording.span.status.description


@pytest.mark.skipif(not hasattr(types, "HttpRetryOptions"), reason="a client that does not retry")
def test_retries_of_the_client_are_counted_on_one_span(recording: Any, server: Any) -> None:
    retries = types.HttpRetryOptions(attempts=3, initial_delay=0.001, max_delay=0.001)
    client = Client(api_key="k", http_options=types.HttpOptions(base_url=server.url, retry_options=retries))
    server.status = [503, 503]
    client.models.generate_content(**HELLO)
    assert recording.attributes["http.request.resend_count"] == 2
    assert recording.span.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("answer", [{}, {"candidates": []}, {"candidates": [{}]}])
def test_an_answer_without_content_costs_attributes_only(
    recording: Any, client: Client, server: Any, answer: Any
) -> None:
    server.answers = [answer]
    client.models.generate_content(**HELLO)
    assert recording.span.status.status_code is StatusCode.UNSET
    assert "gen_ai.usage.input_tokens" not in recording.attributes


def test_vertex_ai_is_told_from_gemini(recording: Any, vertex: Client, server: Any) -> None:
    vertex.models.generate_content(**HELLO)
    list(vertex.models.generate_content_stream(**HELLO))
    assert "/publishers/google/models/" in server.paths[0]
    assert [span.attributes["gen_ai.provider.name"] for span in recording.spans] == ["gcp.vertex_ai"] * 2


def test_embeddings_tell_dimensions_and_texts(recording: Any, client: Client) -> None:
    client.models.embed_content(model="gemini-embedding-001", contents=["Hi", "there"])
    assert recording.span.name == "embeddings gemini-embedding-001"
    assert recording.attributes["gen_ai.embeddings.dimension.count"] == 3
    assert messages(recording, "input")[0]["parts"][1] == {"type": "text", "content": "there"}


def test_embeddings_of_vertex_ai_tell_tokens(recording: Any, vertex: Client) -> None:
    vertex.models.embed_content(model="text-embedding-005", contents="Hi")
    assert recording.attributes["gen_ai.usage.input_tokens"] == 5


# Streams


def assert_is_the_greeting(recording: Any) -> None:
    assert messages(recording, "output") == [{"role": "assistant", "parts": GREETING, "finish_reason": "stop"}]
    assert recording.attributes["gen_ai.request.stream"] is True
    assert recording.attributes["gen_ai.usage.input_tokens"] == 17  # the last count, not the sum
    assert recording.attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert recording.span.status.status_code is StatusCode.UNSET


def test_a_stream_is_joined_to_one_answer(recording: Any, client: Client) -> None:
    list(client.models.generate_content_stream(**HELLO))
    assert_is_the_greeting(recording)


def test_thoughts_are_joined_apart_from_the_answer(recording: Any, client: Client, server: Any) -> None:
    def piece(text: str, **more: Any) -> Any:
        return server.answer({"text": text, **more}, finish=None)

    server.answers = [[piece("Let", thought=True), piece(" me", thought=True), piece("Yes"), piece("!")]]
    list(client.models.generate_content_stream(**HELLO))
    assert messages(recording, "output")[0]["parts"] == [
        {"type": "reasoning", "content": "Let me"},
        {"type": "text", "content": "Yes!"},
    ]


def test_a_chat_is_a_generation_for_each_message(recording: Any, client: Client) -> None:
    chat = client.chats.create(model=MODEL)
    chat.send_message("Hi")
    list(chat.send_message_stream("And you?"))
    first, second = recording.spans
    assert len(json.loads(first.attributes["gen_ai.input.messages"])) == 1
    assert len(json.loads(second.attributes["gen_ai.input.messages"])) == 3


def test_a_stream_that_is_closed_keeps_what_came(recording: Any, client: Client) -> None:
    stream: Any = client.models.generate_content_stream(**HELLO)
    next(stream)
    stream.close()
    assert messages(recording, "output")[0]["parts"] == [{"type": "text", "content": "Hello"}]
    assert recording.span.status.status_code is StatusCode.UNSET


def test_a_stream_that_fails_when_it_is_first_read_is_an_error(recording: Any, client: Client, server: Any) -> None:
    server.status = [404]
    stream = client.models.generate_content_stream(**HELLO)
    with pytest.raises(errors.ClientError):
        next(iter(stream))
    assert recording.attributes["http.response.status_code"] == 404


def test_a_stream_may_be_read_in_another_thread(recording: Any, client: Client, caplog: Any) -> None:
    stream = client.models.generate_content_stream(**HELLO)
    reader = threading.Thread(target=lambda: list(stream))
    reader.start()
    reader.join(10)
    assert_is_the_greeting(recording)
    assert not [record for record in caplog.records if "ontext" in record.message]


# Async


def test_async_calls_streams_and_chats_say_the_same(recording: Any, client: Client) -> None:
    async def ask() -> None:
        await client.aio.models.generate_content(**HELLO)
        stream = await client.aio.models.generate_content_stream(**HELLO)
        assert [chunk.text async for chunk in stream][:2] == ["Hello", " there"]
        await client.aio.chats.create(model=MODEL).send_message("Hi")
        async for _ in await client.aio.chats.create(model=MODEL).send_message_stream("Hi"):
            pass
        await client.aio.models.embed_content(model="gemini-embedding-001", contents="Hi")

    asyncio.run(ask())
    *generations, embedding = recording.spans
    assert len(generations) == 4
    for span in generations:
        assert json.loads(span.attributes["gen_ai.output.messages"])[0]["parts"] == GREETING
        assert span.attributes["gen_ai.usage.input_tokens"] == 17
    assert embedding.attributes["gen_ai.embeddings.dimension.count"] == 3


def test_an_async_stream_cancelled_while_it_is_read(recording: Any, client: Client, server: Any) -> None:
    server.hold = threading.Event()
    begun = threading.Event()

    async def read() -> None:
        async for _ in await client.aio.models.generate_content_stream(**HELLO):
            begun.set()

    cancelled(read, begun)
    assert recording.attributes["error.type"] == "asyncio.exceptions.CancelledError"
    assert messages(recording, "output")[0]["parts"] == [{"type": "text", "content": "Hello"}]


def test_an_async_stream_closed_in_another_task_logs_nothing(recording: Any, client: Client, caplog: Any) -> None:
    async def leave() -> None:
        stream: Any = await client.aio.models.generate_content_stream(**HELLO)
        await stream.__anext__()
        await asyncio.create_task(stream.aclose())

    asyncio.run(leave())
    gc.collect()
    assert recording.span.status.status_code is StatusCode.UNSET
    assert not [record for record in caplog.records if "ontext" in record.message]


def test_an_async_stream_that_is_dropped_is_abandoned(recording: Any, client: Client) -> None:
    async def drop() -> None:
        stream: Any = await client.aio.models.generate_content_stream(**HELLO)
        await stream.__anext__()

    asyncio.run(drop())
    gc.collect()
    recording.wait_for(1)
    assert recording.attributes["error.type"] == "_OTHER"
