"""The toolkit's contract, kept by every endpoint."""

from __future__ import annotations

from typing import Any, ClassVar

from langfuse_otel.instrumentation.contract import TransparentCallContract, TransparentStreamContract
from langfuse_otel_anthropic import AnthropicInstrumentor
from support.on_loopback import CallOnLoopback

HELLO: dict[str, Any] = {
    "model": "claude-opus-5",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "Hi"}],
}


class _Endpoint(CallOnLoopback, TransparentCallContract):
    instrumentor = AnthropicInstrumentor

    @property
    def messages(self) -> Any:
        return self.client.messages

    def sent(self) -> list[Any]:
        seen = zip(self.server.paths, self.server.headers, self.server.requests, strict=True)
        return [(path, {**headers, "traceparent": None}, body) for path, headers, body in seen]


class TestMessages(_Endpoint, TransparentStreamContract):
    def call(self) -> Any:
        return self.messages.create(**HELLO)

    def stream(self) -> Any:
        return self.messages.create(**HELLO, stream=True)


class TestBetaMessages(TestMessages):
    @property
    def messages(self) -> Any:
        return self.client.beta.messages


class TestMessagesStream(_Endpoint, TransparentStreamContract):
    """The helper: a manager that is entered."""

    arguments: ClassVar[dict[str, Any]] = HELLO

    def call(self) -> Any:
        with self.messages.stream(**HELLO) as stream:
            return stream.get_final_message()

    def stream(self) -> Any:
        return self.messages.stream(**HELLO).__enter__()
