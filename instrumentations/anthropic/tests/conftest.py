"""A loopback server that speaks Anthropic's protocol, also as Bedrock and Vertex AI do, and clients of it."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from anthropic import Anthropic, AsyncAnthropic

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel_anthropic import AnthropicInstrumentor
from support.provider import Provider

USAGE = {
    "input_tokens": 12,
    "output_tokens": 7,
    "cache_read_input_tokens": 100,
    "cache_creation_input_tokens": 30,
    "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
    "output_tokens_details": {"thinking_tokens": 3},
    "service_tier": "standard",
}


def message(content: list[dict[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": "Hello there"}] if content is None else content,
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
        **fields,
    }


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of one content block."""
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text_deltas(*texts: str) -> list[dict[str, Any]]:
    return [{"type": "text_delta", "text": text} for text in texts]


def stream_of(*blocks: list[dict[str, Any]], stop_reason: str = "end_turn") -> list[dict[str, Any]]:
    """The events of one message."""
    begun = message(content=[], stop_reason=None, usage={**USAGE, "output_tokens": 1, "output_tokens_details": None})
    return [
        {"type": "message_start", "message": begun},
        {"type": "ping"},
        *(event for events in blocks for event in events),
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop_reason, "stop_sequence": None},
            "usage": {"output_tokens": 7, "output_tokens_details": {"thinking_tokens": 3}},
        },
        {"type": "message_stop"},
    ]


def aws_frame(event: dict[str, Any]) -> bytes:
    """An event as a message of an AWS event stream."""

    def header(name: str, value: str) -> bytes:
        return struct.pack(f">B{len(name)}sBH{len(value)}s", len(name), name.encode(), 7, len(value), value.encode())

    headers = b"".join(
        header(f":{name}", value)
        for name, value in (("event-type", "chunk"), ("content-type", "application/json"), ("message-type", "event"))
    )
    payload = json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode()}).encode()
    prelude = struct.pack(">II", len(headers) + len(payload) + 16, len(headers))
    frame = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return frame + struct.pack(">I", zlib.crc32(frame))


class LoopbackAnthropic(Provider):
    """Answers with a friendly greeting by default.

    ``answer``: JSON body in place of the default. ``stream``: events in place of the default.
    """

    message = staticmethod(message)
    block = staticmethod(block)
    text_deltas = staticmethod(text_deltas)
    stream_of = staticmethod(stream_of)
    usage = USAGE
    hold_at = 4
    answer_headers: ClassVar[dict[str, str]] = {"request-id": "req_1", "retry-after-ms": "1"}

    def __init__(self) -> None:
        self.answer: dict[str, Any] | None = None
        self.stream: list[Any] = stream_of(block(0, {"type": "text", "text": ""}, *text_deltas("Hello", " there")))
        super().__init__()

    def error(self, status: int) -> dict[str, Any]:
        error = {"type": "overloaded_error" if status == 529 else "not_found_error", "message": "no such"}
        return {"type": "error", "error": error, "request_id": "req_1"}

    def events_for(self, path: str, body: dict[str, Any]) -> list[Any] | None:
        return self.stream if body.get("stream") or "stream" in path.rpartition("/")[2].lower() else None

    def reply_for(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if "count_tokens" in path:
            return {"input_tokens": 12}
        return message() if self.answer is None else self.answer

    def stream_type(self, path: str) -> str:
        return "application/vnd.amazon.eventstream" if _is_aws(path) else super().stream_type(path)

    def encode(self, event: dict[str, Any], path: str) -> bytes:
        return aws_frame(event) if _is_aws(path) else f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def _is_aws(path: str) -> bool:
    return path.startswith("/model/")


@pytest.fixture(autouse=True)
def no_settings_of_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_OPEN_TELEMETRY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[LoopbackAnthropic]:
    with LoopbackAnthropic() as loopback:
        yield loopback


@pytest.fixture
def client(server: LoopbackAnthropic) -> Iterator[Anthropic]:
    with Anthropic(base_url=server.url, api_key="sk-ant-test", max_retries=0) as made:
        yield made


@pytest.fixture
def async_client(server: LoopbackAnthropic) -> AsyncAnthropic:
    return AsyncAnthropic(base_url=server.url, api_key="sk-ant-test", max_retries=0)


@pytest.fixture
def recording() -> Iterator[Recording]:
    with Recording().of(AnthropicInstrumentor()) as recorded:
        yield recorded
