"""The hook that the official GenAI instrumentations call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.util.genai import types
from opentelemetry.util.genai.completion_hook import CompletionHook as Protocol
from opentelemetry.util.genai.completion_hook import load_completion_hook

from langfuse_otel.instrumentation.completion_hook import CompletionHook
from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.provenance import PromptRef, remember

IMAGE = types.BlobPart(mime_type="image/png", modality=types.Modality.IMAGE, content=b"png")
ASKED: dict[str, Any] = {
    "inputs": [types.InputMessage("user", [types.TextPart("Hi"), IMAGE])],
    "outputs": [types.OutputMessage("assistant", [types.ToolCallRequestPart({"city": "Ulm"}, "weather", "call_1")])],
    "system_instruction": [types.TextPart("You are a pirate of the hook")],
    "tool_definitions": [types.FunctionToolDefinition("weather", None, {"type": "object"})],
}


@pytest.fixture
def recording() -> Iterator[Recording]:
    yield Recording()


def told(recording: Recording, hook: CompletionHook, asked: dict[str, Any] = ASKED, **attributes: Any) -> Any:
    with recording.tracer_provider.get_tracer("official").start_as_current_span("chat", attributes=attributes) as span:
        hook.on_completion(**asked, span=span)
    return recording.attributes


def test_typed_parts_and_media_become_content_attributes(recording: Recording) -> None:
    attributes = {name: json.loads(value) for name, value in told(recording, CompletionHook()).items()}
    (message,) = attributes["gen_ai.input.messages"]
    text, image = message["parts"]
    assert (message["role"], text["content"]) == ("user", "Hi")
    assert image == {"type": "blob", "mime_type": "image/png", "modality": "image", "content": "cG5n"}
    (answer,) = attributes["gen_ai.output.messages"]
    assert answer["parts"] == [
        {"type": "tool_call", "arguments": {"city": "Ulm"}, "name": "weather", "id": "call_1"},
    ]
    assert attributes["gen_ai.system_instructions"][0]["content"] == "You are a pirate of the hook"
    assert attributes["gen_ai.tool.definitions"][0]["name"] == "weather"


def test_what_the_fast_encoder_refuses_is_recorded_too(recording: Recording) -> None:
    inputs = [types.InputMessage("user", [types.TextPart("a lone \ud800"), IMAGE])]
    (message,) = json.loads(told(recording, CompletionHook(), {**ASKED, "inputs": inputs})["gen_ai.input.messages"])
    assert [part["content"] for part in message["parts"]] == ["a lone \ud800", "cG5n"]


def test_without_capture_only_the_prompt_is_linked(recording: Recording) -> None:
    remember("You are the hook's own sailor", PromptRef("pirate", 3))
    asked = {**ASKED, "system_instruction": [types.TextPart("You are the hook's own sailor")]}
    attributes = told(recording, CompletionHook(capture_content="NO_CONTENT"), asked)
    assert attributes == {"gen_ai.prompt.name": "pirate", "gen_ai.prompt.version": "3"}


def test_the_mask_decides(recording: Recording) -> None:
    assert set(told(recording, CompletionHook(mask=lambda _: "masked")).values()) == {'"masked"'}


def test_content_that_the_official_package_recorded_itself_stays(recording: Recording) -> None:
    assert told(recording, CompletionHook(), **{"gen_ai.input.messages": "theirs"})["gen_ai.input.messages"] == "theirs"


def test_calls_without_span_or_content_are_fine(recording: Recording) -> None:
    CompletionHook().on_completion(**ASKED)
    empty: dict[str, Any] = {"inputs": [], "outputs": [], "system_instruction": []}
    assert told(recording, CompletionHook(), empty) == {}


def test_opentelemetry_loads_it_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK", "langfuse")
    loaded = load_completion_hook()
    assert isinstance(CompletionHook(), Protocol)
    assert isinstance(loaded._wrapped, CompletionHook)  # type: ignore[attr-defined]


def test_the_official_openai_instrumentation_shows_content_through_it() -> None:
    """Its own content capture is off, as it is by default."""
    code = """
import threading, json
from http.server import BaseHTTPRequestHandler, HTTPServer
from openai import OpenAI
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.instrumentation.semconv_checker import violations

ANSWER = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m",
          "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Ahoy"}}]}

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass

server = HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
recording = Recording()
OpenAIInstrumentor().instrument(tracer_provider=recording.tracer_provider)
client = OpenAI(base_url=f"http://127.0.0.1:{server.server_port}", api_key="k")
image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}}
said = [{"type": "text", "text": "Hi"}, image]
client.chat.completions.create(model="m", messages=[{"role": "user", "content": said}])
assert not violations(recording.span), violations(recording.span)
print(json.dumps({name: value for name, value in recording.attributes.items() if name.endswith(".messages")}))
"""
    environment = {**os.environ, "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK": "langfuse"}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert ran.returncode == 0, ran.stderr
    shown = {name: json.loads(value) for name, value in json.loads(ran.stdout).items()}
    assert shown["gen_ai.input.messages"][0]["parts"][0]["content"] == "Hi"
    assert "cG5n" in json.dumps(shown["gen_ai.input.messages"])
    assert shown["gen_ai.output.messages"][0]["parts"][0]["content"] == "Ahoy"
