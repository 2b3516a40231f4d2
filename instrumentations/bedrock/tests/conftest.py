"""A loopback server that speaks the protocol of bedrock-runtime, event streams and their framing; a client of it."""

from __future__ import annotations

import json
import struct
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote
from zlib import crc32

import boto3
import pytest
from botocore.config import Config

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel_bedrock import BedrockInstrumentor

USAGE = {"inputTokens": 12, "outputTokens": 7, "totalTokens": 29, "cacheReadInputTokens": 8, "cacheWriteInputTokens": 2}
METRICS = {"inputTokenCount": 12, "outputTokenCount": 7, "invocationLatency": 40, "firstByteLatency": 20}


def converse_answer(content: list[dict[str, Any]] | None = None, stop_reason: str = "end_turn") -> dict[str, Any]:
    message = {"role": "assistant", "content": content or [{"text": "Hello there"}]}
    return {"output": {"message": message}, "stopReason": stop_reason, "usage": USAGE, "metrics": {"latencyMs": 5}}


def converse_events() -> list[tuple[str, dict[str, Any]]]:
    return [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hello"}}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": " there"}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 5}}),
    ]


def chunks(*bodies: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Chunks of an invoked model, the last one with Bedrock's own counts."""
    last = {**bodies[-1], "amazon-bedrock-invocationMetrics": METRICS}
    sent = [*bodies[:-1], last]
    return [("chunk", {"bytes": b64encode(json.dumps(body).encode()).decode()}) for body in sent]


def frame(kind: str, payload: dict[str, Any], message_type: str = "event") -> bytes:
    """One message of an AWS event stream: lengths and their CRC, headers, payload, CRC of it all."""
    name = ":event-type" if message_type == "event" else ":exception-type"
    headers = b""
    for key, value in ((name, kind), (":content-type", "application/json"), (":message-type", message_type)):
        headers += struct.pack("!B", len(key)) + key.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    message = prelude + struct.pack("!I", crc32(prelude)) + headers + body
    return message + struct.pack("!I", crc32(message))


class LoopbackBedrock:
    """Answers with what a test puts in; by default with a friendly greeting.

    ``answer``: JSON body in place of the default. ``events``: of streams; an exception among them breaks the connection
    there, and a name that ends in "Exception" is one that the service sends. ``errors``: (status, code) of the next
    answers, first come. ``headers``: sent besides. ``length``: whether bodies say theirs.
    """

    frame = staticmethod(frame)
    chunks = staticmethod(chunks)
    converse_answer = staticmethod(converse_answer)

    def __init__(self) -> None:
        self.answer: dict[str, Any] | None = None
        self.events: list[Any] | None = None
        self.errors: list[tuple[int, str]] = []
        self.headers: dict[str, str] = {}
        self.length = True
        self.requests: list[tuple[str, bytes]] = []
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet
            disable_nagle_algorithm = True  # else the next answer waits 40 ms for an acknowledgement

            def log_message(self, *args: Any) -> None:
                pass

            def do_POST(self) -> None:
                with suppress(ConnectionError):  # the client went away, as some tests do
                    self._answer()

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                path = unquote(self.path)
                loopback.requests.append((path, body))
                if loopback.errors:
                    status, code = loopback.errors.pop(0)
                    data = json.dumps({"message": "no such thing"}).encode()
                    self._head(status, len(data), {"x-amzn-ErrorType": code})
                    self.wfile.write(data)
                elif path.endswith("stream"):
                    self._stream(loopback.events if loopback.events is not None else loopback.default_events(path))
                else:
                    data = json.dumps(loopback.answer or loopback.default_answer(path)).encode()
                    self._head(200, len(data) if loopback.length else None, loopback.headers)
                    self.wfile.write(data if loopback.length else b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))

            def _head(self, status: int, length: int | None, more: dict[str, str]) -> None:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("x-amzn-requestid", "req-1")
                for name, value in more.items():
                    self.send_header(name, value)
                if length is None:
                    self.send_header("transfer-encoding", "chunked")
                else:
                    self.send_header("content-length", str(length))
                self.end_headers()

            def _stream(self, events: list[Any]) -> None:
                self.send_response(200)
                self.send_header("content-type", "application/vnd.amazon.eventstream")
                self.send_header("x-amzn-requestid", "req-1")
                self.send_header("transfer-encoding", "chunked")
                self.send_header("connection", "close")
                self.end_headers()
                self.close_connection = True
                for event in events:
                    if isinstance(event, Exception):
                        return
                    kind = "exception" if event[0].endswith("Exception") else "event"
                    data = frame(*event, kind)
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.write(b"0\r\n\r\n")

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def body(self) -> Any:
        """Of the last request."""
        return json.loads(self.requests[-1][1])

    def default_answer(self, path: str) -> dict[str, Any]:
        if path.endswith("converse") or "nova" in path:
            return converse_answer()
        return {
            "generation": "Hello there",
            "stop_reason": "stop",
            "prompt_token_count": 5,
            "generation_token_count": 3,
        }

    def default_events(self, path: str) -> list[Any]:
        if path.endswith("converse-stream"):
            return converse_events()
        return chunks({"generation": "Hello"}, {"generation": " there"}, {"generation": "", "stop_reason": "stop"})

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[LoopbackBedrock]:
    loopback = LoopbackBedrock()
    yield loopback
    loopback.close()


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    """One for all tests: it keeps the services' models, each of which takes a second to load."""
    return boto3.Session(aws_access_key_id="id", aws_secret_access_key="secret", region_name="eu-west-1")


@pytest.fixture
def make_client(session: boto3.Session, server: LoopbackBedrock) -> Any:
    def make(service: str = "bedrock-runtime", attempts: int = 1) -> Any:
        config = Config(retries={"total_max_attempts": attempts, "mode": "standard"})
        return session.client(service, endpoint_url=server.url, config=config)

    return make


@pytest.fixture
def client(make_client: Any) -> Iterator[Any]:
    made = make_client()
    yield made
    made.close()


@pytest.fixture
def recording() -> Iterator[Recording]:
    with Recording().of(BedrockInstrumentor()) as recorded:
        yield recorded
