"""A loopback server that speaks Gemini's protocol, as Vertex AI does too, and clients of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google.genai import Client, types
from google.oauth2.credentials import Credentials

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel_google_genai import GoogleGenAIInstrumentor
from support.provider import Provider

USAGE = {
    "promptTokenCount": 12,
    "candidatesTokenCount": 7,
    "thoughtsTokenCount": 3,
    "cachedContentTokenCount": 4,
    "toolUsePromptTokenCount": 5,
    "totalTokenCount": 27,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}, {"modality": "AUDIO", "tokenCount": 2}],
}


def answer(*parts: dict[str, Any], finish: str | None = "STOP", **fields: Any) -> dict[str, Any]:
    """One answer, or one chunk of it."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {
        "candidates": [candidate],
        "usageMetadata": USAGE,
        "modelVersion": "gemini-2.5-flash-001",
        "responseId": "resp_1",
        **fields,
    }


def chunks(*texts: str) -> list[Any]:
    sent = [answer({"text": text}, finish=None, usageMetadata={"promptTokenCount": 12}) for text in texts]
    return [*sent, answer({"text": ""})]


class LoopbackGemini(Provider):
    """Answers with a friendly greeting by default.

    ``answers``: JSON bodies in place of the default, first come; for streams lists of chunks.
    """

    answer = staticmethod(answer)
    chunks = staticmethod(chunks)
    hold_at = 1

    def __init__(self) -> None:
        self.answers: list[Any] = []
        super().__init__()

    @property
    def options(self) -> types.HttpOptions:
        return types.HttpOptions(base_url=self.url)

    def error(self, status: int) -> dict[str, Any]:
        return {"error": {"code": status, "message": "no such model", "status": "NOT_FOUND"}}

    def events_for(self, path: str, body: dict[str, Any]) -> list[Any] | None:
        if "streamGenerateContent" not in path:
            return None
        return self.answers.pop(0) if self.answers else chunks("Hello", " there")

    def reply_for(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if self.answers:
            given: dict[str, Any] = self.answers.pop(0)
            return given
        values = {"values": [0.1, 0.2, 0.3]}
        if "batchEmbedContents" in path:
            return {"embeddings": [values]}
        if ":predict" in path:
            return {"predictions": [{"embeddings": {**values, "statistics": {"token_count": 5}}}]}
        return answer({"text": "Hello there"})

    def encode(self, event: dict[str, Any], path: str) -> bytes:
        return f"data: {json.dumps(event)}\r\n\r\n".encode()


@pytest.fixture(autouse=True)
def no_settings_of_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[LoopbackGemini]:
    with LoopbackGemini() as loopback:
        yield loopback


@pytest.fixture
def client(server: LoopbackGemini) -> Client:
    return Client(api_key="test", http_options=server.options)


@pytest.fixture
def vertex(server: LoopbackGemini) -> Client:
    credentials = Credentials(token="test")  # type: ignore[no-untyped-call]
    return Client(vertexai=True, project="p", location="l", credentials=credentials, http_options=server.options)


@pytest.fixture
def recording() -> Iterator[Recording]:
    with Recording().of(GoogleGenAIInstrumentor()) as recorded:
        yield recorded
