"""Odd arguments, odd replies and changed clients: the call is what it is without us."""

from __future__ import annotations

from typing import Any, ClassVar

from langfuse_otel.instrumentation.contract_bad_input import BadStreamContract
from langfuse_otel_anthropic import AnthropicInstrumentor
from support.bad_input_on_loopback import BadInputOnLoopback


class TestMessages(BadInputOnLoopback, BadStreamContract):
    instrumentor = AnthropicInstrumentor
    arguments: ClassVar[dict[str, Any]] = {
        "model": "claude-opus-5",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "Hi"}],
    }

    @property
    def method(self) -> tuple[Any, str]:
        return self.client.messages, "create"

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

    def reply(self) -> Any:
        return self.server.message()

    def stream(self) -> Any:
        return self.ask(stream=True)

    def chunks(self) -> list[Any]:
        text = self.server.block(0, {"type": "text", "text": ""}, *self.server.text_deltas("Hello", " there"))
        return list(self.server.stream_of(text))

    def stream_with(self, chunks: list[Any]) -> None:
        self.server.stream = [chunk for chunk in chunks if isinstance(chunk, dict) and "type" in chunk]
