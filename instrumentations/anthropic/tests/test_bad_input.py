"""Odd arguments, odd replies and changed clients: the call is what it is without us."""

from __future__ import annotations

from typing import Any

import pytest

from langfuse_otel.instrumentation.contract_bad_input import BadStreamContract
from langfuse_otel_anthropic import AnthropicInstrumentor

HELLO: dict[str, Any] = {
    "model": "claude-opus-5",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "Hi"}],
}


class TestMessages(BadStreamContract):
    instrumentor = AnthropicInstrumentor

    @pytest.fixture(autouse=True)
    def _loopback(self, server: Any, client: Any) -> None:
        self.server = server
        self.client = client

    @property
    def method(self) -> tuple[Any, str]:
        return self.client.messages, "create"

    def ask(self, **changed: Any) -> Any:
        return self.client.messages.create(**{**HELLO, **changed})

    def places(self, value: Any) -> list[dict[str, Any]]:
        return [
            {"messages": value},
            {"messages": [value]},
            {"messages": [{"role": "user", "content": value}]},
            {"messages": [{"role": "user", "content": [{"type": "text", "text": value}]}]},
            {"system": value},
            {"model": value},
            {"temperature": value},
            {"stop_sequences": value},
            {"tools": [value]},
        ]

    def sent(self) -> list[Any]:
        return list(zip(self.server.paths, self.server.requests, strict=True))

    def reply(self) -> Any:
        return self.server.message()

    def reply_with(self, body: Any) -> None:
        self.server.answer = body

    def stream(self) -> Any:
        return self.ask(stream=True)

    def chunks(self) -> list[Any]:
        text = self.server.block(0, {"type": "text", "text": ""}, *self.server.text_deltas("Hello", " there"))
        return list(self.server.stream_of(text))

    def stream_with(self, chunks: list[Any]) -> None:
        self.server.stream = [chunk for chunk in chunks if isinstance(chunk, dict) and "type" in chunk]
