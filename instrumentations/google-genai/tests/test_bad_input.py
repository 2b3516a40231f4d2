"""Odd arguments, odd replies and changed clients: the call is what it is without us."""

from __future__ import annotations

from typing import Any, ClassVar

from langfuse_otel.instrumentation.contract_bad_input import BadStreamContract
from langfuse_otel_google_genai import GoogleGenAIInstrumentor
from support.bad_input_on_loopback import BadInputOnLoopback


class TestGenerateContent(BadInputOnLoopback, BadStreamContract):
    instrumentor = GoogleGenAIInstrumentor
    arguments: ClassVar[dict[str, Any]] = {"model": "gemini-2.5-flash", "contents": "Hi"}

    @property
    def method(self) -> tuple[Any, str]:
        return self.client.models, "generate_content"

    def places(self, value: Any) -> list[dict[str, Any]]:
        return [
            {"contents": value},
            {"contents": [value]},
            {"contents": [{"role": "user", "parts": [value]}]},
            {"contents": [{"role": "user", "parts": [{"text": value}]}]},
            {"model": value},
            {"config": value},
            {"config": {"temperature": value}},
            {"config": {"system_instruction": value}},
            {"config": {"stop_sequences": value}},
        ]

    def told(self, result: Any) -> Any:
        return result.model_dump(exclude={"sdk_http_response"})  # with the date

    def reply(self) -> Any:
        return self.server.answer({"text": "Hello there"})

    def reply_with(self, body: Any) -> None:
        self.server.answers = [body]

    def stream(self) -> Any:
        return self.client.models.generate_content_stream(**self.arguments)

    def chunks(self) -> list[Any]:
        return list(self.server.chunks("Hello", " there"))

    def stream_with(self, chunks: list[Any]) -> None:
        self.server.answers = [chunks]
