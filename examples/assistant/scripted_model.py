"""A loopback endpoint that speaks OpenAI's HTTP API and answers by a script (``scripted_answer``), not by a model.

It lets the examples run with no account, no download and the same result each time. Nobody should take it for a model:
its name is ``scripted-model``, ``owned_by`` and ``system_fingerprint`` are ``scripted``. It also answers to the names
that the assistant uses with OpenAI, so that price tables know them; every other name is refused as OpenAI does.

``python examples/assistant/scripted_model.py`` serves it until Ctrl-C and prints what to export.
"""

from __future__ import annotations

import argparse
import base64
import json
import struct
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from scripted_answer import answer, content_of, embedding, tokens, tool_call

CHAT_MODELS = ("scripted-model", "gpt-4o-mini")
EMBEDDING_MODELS = ("scripted-embedding", "text-embedding-3-small")
_OWNER = "scripted"
_DIMENSIONS = 256
_CHUNK_DELAY_S = 0.01
_PREFIXES = 512  # of earlier requests that count as cached


class RefusedError(Exception):
    """An answer with an error status, in OpenAI's shape."""

    def __init__(self, status: int, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


class ScriptedModel(AbstractContextManager["ScriptedModel"]):
    """The endpoint, serving from the moment it is made until ``close()``.

    Args:
        port: On 127.0.0.1; 0 takes a free one.

    Attributes:
        base_url: What to set as ``OPENAI_BASE_URL``.
    """

    def __init__(self, port: int = 0) -> None:
        self._cache = _PrefixCache()
        endpoint = self

        class Handler(_Handler):
            model = endpoint

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="scripted-model", daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def chat(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A whole chat completion.

        Raises:
            RefusedError: No such model, or no messages.
        """
        messages = _required(request, "messages")
        if not isinstance(messages, list) or not all(isinstance(m, dict) and "role" in m for m in messages):
            raise RefusedError(400, "Invalid 'messages': expected an array of messages with a role.", param="messages")
        model = _known(request, CHAT_MODELS)
        tools = request.get("tools") if request.get("tool_choice", "auto") != "none" else None
        call = tool_call(messages, tools or ())
        if call is not None:
            name, arguments = call
            function = {"name": name, "arguments": json.dumps(arguments)}
            calls = [{"id": f"call_{uuid.uuid4().hex[:24]}", "type": "function", "function": function}]
            message = {"role": "assistant", "content": None, "tool_calls": calls}
            finish_reason, spent = "tool_calls", tokens(json.dumps(function))
        else:
            text, finish_reason = _cut(answer(messages), request)
            message = {"role": "assistant", "content": text}
            spent = tokens(text)
        prompt, cached = self._cache.count(messages, tools)
        return {
            **_head("chat.completion", model),
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}],
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": spent,
                "total_tokens": prompt + spent,
                "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
            },
        }

    def embeddings(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A vector for each text.

        Raises:
            RefusedError: No such model, or no texts.
        """
        given = _required(request, "input")
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
            raise RefusedError(400, "Invalid 'input': expected a text or an array of texts.", param="input")
        model = _known(request, EMBEDDING_MODELS)
        vectors = [embedding(text, request.get("dimensions") or _DIMENSIONS) for text in texts]
        encode = _base64 if request.get("encoding_format") == "base64" else list[float]
        spent = sum(map(tokens, texts))
        return {
            "object": "list",
            "model": model,
            "data": [{"object": "embedding", "index": at, "embedding": encode(v)} for at, v in enumerate(vectors)],
            "usage": {"prompt_tokens": spent, "total_tokens": spent},
        }

    def models(self) -> dict[str, Any]:
        """What it answers to."""
        names = CHAT_MODELS + EMBEDDING_MODELS
        return {
            "object": "list",
            "data": [{"id": n, "object": "model", "created": 0, "owned_by": _OWNER} for n in names],
        }


def chunks(completion: Mapping[str, Any], *, include_usage: bool) -> Iterator[dict[str, Any]]:
    """A chat completion as chunks of a stream: role, one word or tool call each, finish reason, usage if asked for."""
    (choice,) = completion["choices"]
    message = choice["message"]
    head = {**completion, "object": "chat.completion.chunk"}
    del head["usage"]
    if include_usage:
        head["usage"] = None

    def chunk(delta: Mapping[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        return {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}]}

    yield chunk({"role": "assistant", "content": "" if message["content"] is not None else None})
    for at, call in enumerate(message.get("tool_calls", ())):
        yield chunk({"tool_calls": [{"index": at, **call, "function": {**call["function"], "arguments": ""}}]})
        yield chunk({"tool_calls": [{"index": at, "function": {"arguments": call["function"]["arguments"]}}]})
    for at, word in enumerate((message["content"] or "").split(" ")):
        if word:
            yield chunk({"content": f" {word}" if at else word})
    yield chunk({}, choice["finish_reason"])
    if include_usage:
        yield {**head, "choices": [], "usage": completion["usage"]}


class _PrefixCache:
    """Which beginnings of conversations were sent before; as with a real prompt cache, those tokens are "cached"."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: deque[int] = deque(maxlen=_PREFIXES)

    def count(self, messages: Sequence[Any], tools: Any) -> tuple[int, int]:
        """Tokens of a request, and how many of them are cached; remembers the request."""
        total = tokens(json.dumps(tools)) if tools else 0
        cached = 0
        prefix = json.dumps(tools)
        with self._lock:
            for message in messages:
                prefix += json.dumps(message)
                total += tokens(content_of(message)) + tokens(json.dumps(message.get("tool_calls") or ""))
                if hash(prefix) in self._seen:
                    cached = total
                else:
                    self._seen.append(hash(prefix))
        return total, cached


class _Handler(BaseHTTPRequestHandler):
    model: ScriptedModel
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/v1/models":
            self._send(200, self.model.models())
        else:
            self._refuse(RefusedError(404, f"Invalid URL ({self.command} {self.path})"))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            request = json.loads(body)
            if not isinstance(request, dict):
                raise ValueError
        except ValueError:
            return self._refuse(RefusedError(400, "We could not parse the JSON body of your request."))
        path = urlsplit(self.path).path
        try:
            if path == "/v1/chat/completions":
                completion = self.model.chat(request)
                if request.get("stream"):
                    options = request.get("stream_options") or {}
                    return self._stream(chunks(completion, include_usage=bool(options.get("include_usage"))))
                return self._send(200, completion)
            if path == "/v1/embeddings":
                return self._send(200, self.model.embeddings(request))
            raise RefusedError(404, f"Invalid URL ({self.command} {path})")
        except RefusedError as refusal:
            self._refuse(refusal)

    def _refuse(self, refusal: RefusedError) -> None:
        self._send(refusal.status, refusal.body)

    def _send(self, status: int, answer: Mapping[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-request-id", f"req_{uuid.uuid4().hex}")
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, events: Iterator[Mapping[str, Any]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            for event in events:
                self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
                self.wfile.flush()
                time.sleep(_CHUNK_DELAY_S)  # a model takes its time too: makes the time to first token visible
            self.wfile.write(b"data: [DONE]\n\n")
        except ConnectionError:  # the client has read enough
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


def _head(kind: str, model: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
        "system_fingerprint": _OWNER,
    }


def _required(request: Mapping[str, Any], name: str) -> Any:
    if not request.get(name):
        raise RefusedError(400, f"Missing required parameter: '{name}'.", code="missing_required_parameter", param=name)
    return request[name]


def _known(request: Mapping[str, Any], models: Sequence[str]) -> str:
    model = _required(request, "model")
    if model not in models:
        message = f"The model `{model}` does not exist or you do not have access to it."
        raise RefusedError(404, message, code="model_not_found")
    return str(model)


def _cut(text: str, request: Mapping[str, Any]) -> tuple[str, str]:
    """The text within the request's token limit, and the finish reason."""
    limit = request.get("max_completion_tokens") or request.get("max_tokens")
    if not limit or tokens(text) <= limit:
        return text, "stop"
    words = text.split(" ")
    while words and tokens(" ".join(words)) > limit:
        words.pop()
    return " ".join(words), "length"


def _base64(vector: Sequence[float]) -> str:
    """What the ``openai`` client asks for by default: little-endian 32-bit floats."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="An OpenAI-compatible endpoint that answers by a script.")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; a free one by default")
    with ScriptedModel(parser.parse_args().port) as model:
        print(f"export OPENAI_BASE_URL={model.base_url} OPENAI_API_KEY=scripted", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
