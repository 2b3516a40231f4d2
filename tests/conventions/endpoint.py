"""A loopback endpoint of OpenAI's chat and embeddings API that answers the recorded conversation always alike."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "gpt-4o-mini-2024-07-18"
ANSWER = ("It is ", "18 °C ", "in Paris.")
CALL = {"id": "call_paris", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
CALL_USAGE = {"prompt_tokens": 50, "completion_tokens": 10, "total_tokens": 60}
ANSWER_USAGE = {
    "prompt_tokens": 80,
    "completion_tokens": 12,
    "total_tokens": 92,
    "prompt_tokens_details": {"cached_tokens": 32},
    "completion_tokens_details": {"reasoning_tokens": 4},
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/embeddings"):
            vector = {"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}
            usage = {"prompt_tokens": 5, "total_tokens": 5}
            self._send({"object": "list", "model": request["model"], "data": [vector], "usage": usage})
        elif request["model"] == "no-such-model":
            error = {"message": "The model `no-such-model` does not exist", "code": "model_not_found", "type": "x"}
            self._send({"error": error}, 404)
        elif request.get("stream"):
            self._stream(_chunks(request))
        else:
            self._send(_completion(_message(request)))

    def _send(self, answer: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("x-request-id", "req-1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, chunks: Iterator[dict[str, Any]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


def _message(request: dict[str, Any]) -> dict[str, Any]:
    """The tool first; the answer once its result is there."""
    wants_tool = request.get("tools") and request["messages"][-1]["role"] != "tool"
    if wants_tool:
        return {"role": "assistant", "content": None, "tool_calls": [CALL]}
    return {"role": "assistant", "content": "".join(ANSWER)}


def _completion(message: dict[str, Any]) -> dict[str, Any]:
    calls = bool(message.get("tool_calls"))
    return {
        "id": "chatcmpl-call" if calls else "chatcmpl-answer",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}],
        "usage": CALL_USAGE if calls else ANSWER_USAGE,
    }


def _chunks(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    message = _message(request)
    calls = message.get("tool_calls")
    head = {
        "id": "chatcmpl-call" if calls else "chatcmpl-answer",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": MODEL,
    }

    def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}

    if calls:
        yield chunk({"role": "assistant", "tool_calls": [{"index": 0, **calls[0]}]})
        yield chunk({}, "tool_calls")
    else:
        yield chunk({"role": "assistant", "content": ""})
        for piece in ANSWER:
            yield chunk({"content": piece})
        yield chunk({}, "stop")
    if (request.get("stream_options") or {}).get("include_usage"):
        yield {**head, "choices": [], "usage": CALL_USAGE if calls else ANSWER_USAGE}


@contextmanager
def serving() -> Iterator[str]:
    """The base URL while it serves."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
