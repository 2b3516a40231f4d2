"""A loopback server that speaks Gemini's protocol, as Vertex AI does too, and clients of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from google.genai import Client, types
from google.oauth2.credentials import Credentials

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel_google_genai import GoogleGenAIInstrumentor

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


class LoopbackGemini:
    """Answers with what a test puts in; by default with a friendly greeting.

    ``answers``: JSON bodies in place of the default, first come; for streams lists of chunks, an exception among which
    breaks the connection there. ``status``: of the next answers. ``hold``: while set and not yet released, a stream
    stops after its first chunk, any other answer before it is sent.
    """

    answer = staticmethod(answer)
    chunks = staticmethod(chunks)

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.status: list[int] = []
        self.requests: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.hold: threading.Event | None = None
        self.asked = threading.Event()
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                pass

            def do_POST(self) -> None:
                with suppress(ConnectionError):  # the client went away, as some tests do
                    self._answer()

            def _answer(self) -> None:
                loopback.requests.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                loopback.paths.append(self.path)
                loopback.asked.set()
                status = loopback.status.pop(0) if loopback.status else 200
                if status != 200:
                    self._send(status, {"error": {"code": status, "message": "no such model", "status": "NOT_FOUND"}})
                elif "streamGenerateContent" in self.path:
                    self._send_stream(loopback.answers.pop(0) if loopback.answers else chunks("Hello", " there"))
                else:
                    if loopback.hold is not None:
                        loopback.hold.wait(10)
                    self._send(200, loopback.answers.pop(0) if loopback.answers else self._default())

            def _default(self) -> dict[str, Any]:
                values = {"values": [0.1, 0.2, 0.3]}
                if "batchEmbedContents" in self.path:
                    return {"embeddings": [values]}
                if ":predict" in self.path:
                    return {"predictions": [{"embeddings": {**values, "statistics": {"token_count": 5}}}]}
                return answer({"text": "Hello there"})

            def _send(self, status: int, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _send_stream(self, sent: list[Any]) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("connection", "close")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                self.close_connection = True
                for number, chunk in enumerate(sent):
                    if isinstance(chunk, Exception):
                        return
                    if number == 1 and loopback.hold is not None:
                        loopback.hold.wait(10)
                    data = f"data: {json.dumps(chunk)}\r\n\r\n".encode()
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.write(b"0\r\n\r\n")

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def options(self) -> types.HttpOptions:
        return types.HttpOptions(base_url=self.url)

    def close(self) -> None:
        if self.hold is not None:
            self.hold.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(autouse=True)
def no_settings_of_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[LoopbackGemini]:
    loopback = LoopbackGemini()
    yield loopback
    loopback.close()


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
