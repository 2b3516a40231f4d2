"""Odd arguments, odd replies and changed clients: the call is what it is without us."""

from __future__ import annotations

from typing import Any, ClassVar

from langfuse_otel.instrumentation.contract_bad_input import BadStreamContract
from langfuse_otel_bedrock import BedrockInstrumentor
from support.bad_input_on_loopback import BadInputOnLoopback


class TestConverse(BadInputOnLoopback, BadStreamContract):
    instrumentor = BedrockInstrumentor
    arguments: ClassVar[dict[str, Any]] = {
        "modelId": "amazon.nova-lite-v1:0",
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
    }

    @property
    def method(self) -> tuple[Any, str]:
        return self.client, "converse"

    def places(self, value: Any) -> list[dict[str, Any]]:
        return [
            {"messages": value},
            {"messages": [value]},
            {"messages": [{"role": "user", "content": [{"text": value}]}]},
            {"modelId": value},
            {"system": [{"text": value}]},
            {"inferenceConfig": {"temperature": value}},
            {"inferenceConfig": {"stopSequences": value}},
            {"additionalModelRequestFields": {"k": value}},
        ]

    def sent(self) -> list[Any]:
        return list(self.server.requests)

    def told(self, result: Any) -> Any:
        """Without the time of the answer."""
        return {name: value for name, value in result.items() if name != "ResponseMetadata"}

    def reply(self) -> Any:
        return self.server.default_answer("converse")

    def stream(self) -> Any:
        return self.client.converse_stream(**self.arguments)["stream"]

    def chunks(self) -> list[Any]:
        return [{kind: payload} for kind, payload in self.server.default_events("converse-stream")]

    def stream_with(self, chunks: list[Any]) -> None:
        events = (next(iter(chunk.items()), ("", None)) for chunk in chunks if isinstance(chunk, dict))
        self.server.events = [(kind, payload) for kind, payload in events if isinstance(payload, dict)]
