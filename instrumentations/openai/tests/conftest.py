"""A loopback server that speaks OpenAI's protocol, and clients of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from openai import AsyncOpenAI, OpenAI

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel_openai import OpenAIInstrumentor
from support.loopback import Received
from support.provider import Provider

USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 7,
    "total_tokens": 19,
    "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 1},
}
RESPONSE_USAGE = {
    "input_tokens": 12,
    "output_tokens": 7,
    "total_tokens": 19,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
    "output_tokens_details": {"reasoning_tokens": 3},
}


def completion(message: dict[str, Any] | None = None, finish_reason: str = "stop") -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "service_tier": "default",
        "system_fingerprint": "fp_1",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello there", **(message or {})},
                "finish_reason": finish_reason,
            }
        ],
        "usage": USAGE,
    }


def chunk(delta: dict[str, Any], finish_reason: str | None = None, index: int = 0) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": index, "delta": delta, "finish_reason": finish_reason}],
    }


def chunks(include_usage: bool = False) -> list[dict[str, Any]]:
    sent = [
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hello"}),
        chunk({"content": " there"}),
        chunk({}, "stop"),
    ]
    return [*sent, {**chunk({}), "choices": [], "usage": USAGE}] if include_usage else sent


def response(output: list[dict[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "Hello there", "annotations": []}],
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "status": "completed",
        "service_tier": "default",
        "output": [said] if output is None else output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": RESPONSE_USAGE,
        **fields,
    }


def events() -> list[dict[str, Any]]:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "logprobs": []}
    final: Any = response()
    begun = {**final["output"][0], "content": [], "status": "in_progress"}
    part = final["output"][0]["content"][0]
    sent: list[dict[str, Any]] = [
        {"type": "response.created", "response": response(output=[], status="in_progress", usage=None)},
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
        {"type": "response.output_text.delta", **place, "delta": "Hello"},
        {"type": "response.output_text.delta", **place, "delta": " there"},
        {"type": "response.output_text.done", **place, "text": "Hello there"},
        {"type": "response.output_item.done", "output_index": 0, "item": final["output"][0]},
        {"type": "response.completed", "response": final},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(sent)]


def text_completion(texts: list[str], finish_reason: str | None = "stop", **more: Any) -> dict[str, Any]:
    choices = [{"index": index, "text": text, "finish_reason": finish_reason} for index, text in enumerate(texts)]
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "davinci", "choices": choices, **more}


IMAGE_USAGE = {
    "input_tokens": 9,
    "output_tokens": 40,
    "total_tokens": 49,
    "input_tokens_details": {"image_tokens": 4, "text_tokens": 5},
}
SPEECH = b"ID3 not really music"
DONE = "[DONE]"
MEDIA: dict[str, dict[str, Any] | bytes] = {
    "images": {"created": 1, "output_format": "webp", "data": [{"b64_json": "aW1n"}], "usage": IMAGE_USAGE},
    "audio/speech": SPEECH,
    "audio": {
        "text": "Hello there",
        "usage": {
            "type": "tokens",
            "input_tokens": 14,
            "output_tokens": 3,
            "total_tokens": 17,
            "input_token_details": {"audio_tokens": 12, "text_tokens": 2},
        },
    },
    "moderations": {
        "id": "modr-1",
        "model": "omni-moderation-2024-09-26",
        "results": [{"flagged": True, "categories": {"violence": True}, "category_scores": {"violence": 0.9}}],
    },
}


def image_events() -> list[dict[str, Any]]:
    shared = {"b64_json": "aW1n", "created_at": 1, "output_format": "webp", "size": "1024x1024", "quality": "low"}
    partial = {"type": "image_generation.partial_image", "partial_image_index": 0, **shared}
    return [partial, {"type": "image_generation.completed", **shared, "usage": IMAGE_USAGE}]


def transcript_events() -> list[dict[str, Any]]:
    audio: Any = MEDIA["audio"]
    deltas = [{"type": "transcript.text.delta", "delta": piece} for piece in ("Hello", " there")]
    return [*deltas, {"type": "transcript.text.done", **audio}]


def helpers(client: Any) -> Any:
    """Where ``parse`` and ``stream`` of chat completions are; before 1.92 that was under ``beta``."""
    completions = client.chat.completions
    return completions if hasattr(completions, "parse") else client.beta.chat.completions


class LoopbackOpenAI(Provider):
    """Answers with a friendly greeting by default.

    ``answer``: JSON body in place of the default. ``stream``: chunks in place of the default.
    """

    usage = USAGE
    media = MEDIA
    speech = SPEECH
    chunk = staticmethod(chunk)
    chunks = staticmethod(chunks)
    response = staticmethod(response)
    events = staticmethod(events)
    helpers = staticmethod(helpers)
    hold_at = 2
    answer_headers: ClassVar[dict[str, str]] = {"x-request-id": "req_1"}

    def __init__(self) -> None:
        self.answer: dict[str, Any] | None = None
        self.stream: list[Any] | None = None
        super().__init__()

    @property
    def url(self) -> str:
        return f"{super().url}/v1"

    def read(self, received: Received) -> dict[str, Any]:
        if received.headers.get("content-type") == "application/json":
            return super().read(received)
        return {"stream": b'name="stream"' in received.body or "stream=true" in received.target}  # of a form

    def error(self, status: int) -> dict[str, Any]:
        return {"error": {"message": "no such thing", "type": "invalid_request_error", "code": "model_not_found"}}

    def reply_for(self, path: str, body: dict[str, Any]) -> dict[str, Any] | bytes:
        return self.answer or self.answer_for(path, body)

    def answer_for(self, path: str, body: dict[str, Any]) -> dict[str, Any] | bytes:
        if media := next((answer for name, answer in MEDIA.items() if name in path), None):
            return media
        if "embeddings" in path:
            return {
                "object": "list",
                "model": "text-embedding-3-small",
                "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2, 0.3]}],
                "usage": {"prompt_tokens": 5, "total_tokens": 5},
            }
        if "responses" in path:
            return response()
        if "chat" in path:
            return completion()
        prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
        return text_completion([f"{prompt} there" for prompt in prompts], usage=USAGE)

    def events_for(self, path: str, body: dict[str, Any]) -> list[Any] | None:
        return [*self._chunks_for(path, body), DONE] if body.get("stream") else None

    def _chunks_for(self, path: str, body: dict[str, Any]) -> list[Any]:
        if self.stream is not None:
            return self.stream
        if "images" in path:
            return image_events()
        if "transcriptions" in path:
            return transcript_events()
        if "responses" in path:
            return events()
        include_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        if "chat" in path:
            return chunks(include_usage)
        sent = [text_completion(["Hello"], None), text_completion([" there"], "stop")]
        return [*sent, text_completion([], usage=USAGE)] if include_usage else sent

    def encode(self, event: Any, path: str) -> bytes:
        return f"data: {event if event is DONE else json.dumps(event)}\n\n".encode()


@pytest.fixture
def server() -> Iterator[LoopbackOpenAI]:
    with LoopbackOpenAI() as loopback:
        yield loopback


@pytest.fixture
def client(server: LoopbackOpenAI) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.url, api_key="sk-test", max_retries=0) as made:
        yield made


@pytest.fixture
def async_client(server: LoopbackOpenAI) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=server.url, api_key="sk-test", max_retries=0)


@pytest.fixture
def recording() -> Iterator[Recording]:
    with Recording().of(OpenAIInstrumentor()) as recorded:
        yield recorded
