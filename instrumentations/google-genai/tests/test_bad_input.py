"""Odd arguments, odd replies and changed clients: the call is what it is without us."""

from __future__ import annotations

from typing import Any

import pytest

from langfuse_otel.instrumentation.contract_bad_input import BadStreamContract
from langfuse_otel_google_genai import GoogleGenAIInstrumentor


class TestGenerateContent(BadStreamContract):
    instrumentor = GoogleGenAIInstrumentor

    @pytest.fixture(autouse=True)
    def _loopback(self, server: Any, client: Any) -> None:
        self.server = server
        self.client = client

    @property
    def method(self) -> tuple[Any, str]:
        return self.client.models, "generate_content"

    def ask(self, **changed: Any) -> Any:
        return self.client.models.generate_content(**{"model": "gemini-2.5-flash", "contents": "Hi", **changed})

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

    def sent(self) -> list[Any]:
        return list(zip(self.server.paths, self.server.requests, strict=True))

    def told(self, result: Any) -> Any:
        return result.model_dump(exclude={"sdk_http_response"})  # with the date

    def reply(self) -> Any:
        return self.server.answer({"text": "Hello there"})

    def reply_with(self, body: Any) -> None:
        self.server.answers = [body]

    def stream(self) -> Any:
        return self.client.models.generate_content_stream(model="gemini-2.5-flash", contents="Hi")

    def chunks(self) -> list[Any]:
        return list(self.server.chunks("Hello", " there"))

    def stream_with(self, chunks: list[Any]) -> None:
        self.server.answers = [chunks]
