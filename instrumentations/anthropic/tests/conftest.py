"""A loopback server that speaks Anthropic's protocol, also as Bedrock and Vertex AI do, and clients of it."""

from __future__ import annotations

import base64
import json
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from anthropic import Anthropic, AsyncAnthropic

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel_anthropic import AnthropicInstrumentor

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
    begun = message(content=[], stop_reason=None, usage={**USAGE, "output_tokens": 1})
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


class LoopbackAnthropic:
    """Answers with what a test puts in; by default with a friendly greeting.

    ``answer``: JSON body in place of the default. ``stream``: events in place of the default; an exception among them
    breaks the connection there. ``status``: of the next answers, first come. ``hold``: while set and not yet released,
    a stream stops before its ``hold_at``-th event, any other answer before it is sent.
    """

    message = staticmethod(message)
    block = staticmethod(block)
    text_deltas = staticmethod(text_deltas)
    stream_of = staticmethod(stream_of)
    usage = USAGE
    hold_at = 4

    def __init__(self) -> None:
        self.answer: dict[str, Any] | None = None
        self.stream: list[Any] = stream_of(block(0, {"type": "text", "text": ""}, *text_deltas("Hello", " there")))
        self.status: list[int] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.hold: threading.Event | None = None
        self.asked = threading.Event()
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                pass

            def do_POST(self) -> None:
                with suppress(ConnectionError):  # the client went away, as some tests do
                    self._answer()

            def _answer(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                loopback.requests.append(body)
                loopback.headers.append({name.lower(): value for name, value in self.headers.items()})
                loopback.paths.append(self.path)
                loopback.asked.set()
                status = loopback.status.pop(0) if loopback.status else 200
                if status != 200:
                    error = {"type": "overloaded_error" if status == 529 else "not_found_error", "message": "no such"}
                    self._send(status, {"type": "error", "error": error, "request_id": "req_1"})
                elif "count_tokens" in self.path:
                    self._send(200, {"input_tokens": 12})
                elif body.get("stream") or "stream" in self.path.rpartition("/")[2].lower():
                    self._send_stream(aws=self.path.startswith("/model/"))
                else:
                    if loopback.hold is not None:
                        loopback.hold.wait(10)
                    self._send(200, message() if loopback.answer is None else loopback.answer)

            def _send(self, status: int, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.send_header("request-id", "req_1")
                self.send_header("retry-after-ms", "1")
                self.end_headers()
                self.wfile.write(data)

            def _send_stream(self, *, aws: bool) -> None:
                self.send_response(200)
                self.send_header("content-type", "application/vnd.amazon.eventstream" if aws else "text/event-stream")
                self.send_header("request-id", "req_1")
                self.send_header("connection", "close")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                self.close_connection = True
                for number, event in enumerate(loopback.stream):
                    if isinstance(event, Exception):
                        return
                    if number == loopback.hold_at and loopback.hold is not None:
                        loopback.hold.wait(10)
                    said = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
                    self._send_chunk(aws_frame(event) if aws else said)
                self.wfile.write(b"0\r\n\r\n")

            def _send_chunk(self, data: bytes) -> None:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        if self.hold is not None:
            self.hold.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(autouse=True)
def no_settings_of_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_OPEN_TELEMETRY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[LoopbackAnthropic]:
    loopback = LoopbackAnthropic()
    yield loopback
    loopback.close()


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
