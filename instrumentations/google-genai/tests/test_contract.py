"""The toolkit's contract, kept by every endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from langfuse_otel.instrumentation.contract import TransparentCallContract, TransparentStreamContract
from langfuse_otel_google_genai import GoogleGenAIInstrumentor
from support.on_loopback import CallOnLoopback

HELLO: dict[str, Any] = {"model": "gemini-2.5-flash", "contents": "Hi"}


class _Endpoint(CallOnLoopback, TransparentCallContract):
    instrumentor = GoogleGenAIInstrumentor

    def told(self, result: Any) -> Any:
        return result.model_dump(exclude={"sdk_http_response"})  # with the date


class TestGenerateContent(_Endpoint, TransparentStreamContract):
    def call(self) -> Any:
        return self.client.models.generate_content(**HELLO)

    def stream(self) -> Any:
        return self.client.models.generate_content_stream(**HELLO)


class TestChat(_Endpoint, TransparentStreamContract):
    def call(self) -> Any:
        return self.client.chats.create(model="gemini-2.5-flash").send_message("Hi")

    def stream(self) -> Any:
        return self.client.models.generate_content_stream(**HELLO)


class TestVertex(TestGenerateContent):
    @pytest.fixture(autouse=True)
    def _vertex(self, _loopback: None, vertex: Any) -> None:
        self.client = vertex


class TestEmbedContent(_Endpoint):
    def call(self) -> Any:
        return self.client.models.embed_content(model="gemini-embedding-001", contents="Hi")
