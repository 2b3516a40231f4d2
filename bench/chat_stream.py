"""A chat completion, whole and as 50 chunks, from a transport inside the process: what remains is the client's work."""

from __future__ import annotations

import json
import sys
from typing import Any

CHUNKS = 50
_HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini-2024-07-18"}
_DELTAS: list[dict[str, Any]] = [{"content": f"word {number} "} for number in range(CHUNKS)]
_CHOICES = [{"index": 0, "delta": delta, "finish_reason": None} for delta in _DELTAS]
_CHOICES[-1]["finish_reason"] = "stop"
STREAM = b"".join(b"data: %s\n\n" % json.dumps({**_HEAD, "choices": [choice]}).encode() for choice in _CHOICES)
STREAM += b"data: [DONE]\n\n"
ANSWER = {
    **_HEAD,
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "word " * 50}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 384, "completion_tokens": 256, "total_tokens": 640},
}
CALL: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "system", "content": "You are helpful. " * 20}, {"role": "user", "content": "Why? " * 40}],
    "temperature": 0.2,
}
REQUEST: dict[str, Any] = {**CALL, "stream": True}


def options(http_client: Any) -> dict[str, Any]:
    """Arguments of a client, with the HTTP client of this class."""
    httpx = sys.modules[next(base.__module__.partition(".")[0] for base in http_client.__mro__[1:])]

    def answer(request: Any) -> Any:
        if b'"stream":true' in request.content.replace(b" ", b""):
            return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=STREAM)
        return httpx.Response(200, json=ANSWER)

    return {"api_key": "k", "max_retries": 0, "http_client": http_client(transport=httpx.MockTransport(answer))}
