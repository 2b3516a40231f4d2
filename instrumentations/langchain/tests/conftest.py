"""A loopback server that speaks OpenAI's protocol, chat models of LangChain that ask it, and what was recorded."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from langchain_openai import ChatOpenAI

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel_langchain import LangChainInstrumentor
from langfuse_otel_openai import OpenAIInstrumentor

USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 7,
    "total_tokens": 19,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 3},
}


def completion(**message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": "Hello there", **message}
    reason = "tool_calls" if "tool_calls" in message else "stop"
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": said, "finish_reason": reason}],
        "usage": USAGE,
    }


def tool_call(name: str, **arguments: Any) -> dict[str, Any]:
    call = {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    return completion(content=None, tool_calls=[call])


def chunks() -> list[dict[str, Any]]:
    shared = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini-2024-07-18"}
    deltas: list[tuple[dict[str, Any], str | None]] = [
        ({"role": "assistant", "content": ""}, None),
        ({"content": "Hello"}, None),
        ({"content": " there"}, None),
        ({}, "stop"),
    ]
    sent = [{**shared, "choices": [{"index": 0, "delta": d, "finish_reason": reason}]} for d, reason in deltas]
    return [*sent, {**shared, "choices": [], "usage": USAGE}]


class LoopbackOpenAI:
    """Answers each request with the next of ``answers``, then with a friendly greeting; ``status`` of the next ones."""

    completion = staticmethod(completion)
    tool_call = staticmethod(tool_call)

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.status: list[int] = []
        self.requests: list[dict[str, Any]] = []
        self.paths: list[str] = []
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

            def _answer(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                loopback.requests.append(body)
                loopback.paths.append(self.path)
                if loopback.status:
                    self._send(loopback.status.pop(0), {"error": {"message": "no such thing", "code": "nothing"}})
                elif "embeddings" in self.path:
                    vector = {"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}
                    usage = {"prompt_tokens": 5, "total_tokens": 5}
                    self._send(200, {"object": "list", "model": "e", "data": [vector], "usage": usage})
                elif body.get("stream"):
                    self._stream()
                elif "prompt" in body:
                    choice = {"index": 0, "text": "Hello there", "finish_reason": "stop"}
                    self._send(200, {"id": "cmpl-1", "model": "davinci", "choices": [choice], "usage": USAGE})
                else:
                    self._send(200, loopback.answers.pop(0) if loopback.answers else completion())

            def _send(self, status: int, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _stream(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("connection", "close")
                self.end_headers()
                self.close_connection = True
                for sent in chunks():
                    self.wfile.write(f"data: {json.dumps(sent)}\n\n".encode())
                self.wfile.write(b"data: [DONE]\n\n")

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Tree:
    """The recorded spans as a tree of names: ``{"invoke_workflow x": {"chat m": {}}}``."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    @property
    def names(self) -> dict[str, Any]:
        return self._below(None)

    def attributes(self, name: str) -> dict[str, Any]:
        (span,) = [span for span in self._recording.spans if span.name == name]
        return dict(span.attributes or {})

    def span(self, name: str) -> Any:
        (span,) = [span for span in self._recording.spans if span.name == name]
        return span

    def _below(self, parent: Any) -> dict[str, Any]:
        spans = self._recording.spans
        ids = {span.context.span_id for span in spans if span.context}
        named: dict[str, Any] = {}
        for span in sorted(spans, key=lambda span: span.start_time or 0):
            above = span.parent.span_id if span.parent and span.parent.span_id in ids else None
            if above == parent and span.context:
                below = self._below(span.context.span_id)
                name = span.name
                while name in named:
                    name += "'"
                named[name] = below
        return named


@pytest.fixture
def server() -> Iterator[LoopbackOpenAI]:
    loopback = LoopbackOpenAI()
    yield loopback
    loopback.close()


@pytest.fixture
def model(server: LoopbackOpenAI) -> ChatOpenAI:
    return ChatOpenAI(base_url=server.url, api_key="sk-test", model="gpt-4o-mini", max_retries=0, stream_usage=True)


@pytest.fixture
def client(model: ChatOpenAI) -> ChatOpenAI:
    """What the contracts call."""
    return model


@pytest.fixture
def recording() -> Iterator[Recording]:
    with Recording().of(LangChainInstrumentor()) as recorded:
        yield recorded


@pytest.fixture
def both(recording: Recording) -> Iterator[Recording]:
    """The ``openai`` client below LangChain is instrumented as well."""
    with recording.of(OpenAIInstrumentor()) as recorded:
        yield recorded


@pytest.fixture
def tree(recording: Recording) -> Tree:
    return Tree(recording)
