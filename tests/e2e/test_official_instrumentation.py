"""OpenTelemetry's own openai instrumentation, exported through ours, shows the same as our instrumentation."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.langfuse_api import LangfuseApi

APP = str(Path(__file__).parent / "app.py")
SETUP = """
import runpy
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from langfuse_otel import LangfuseSpanExporter, LangfuseSpanProcessor
from {module} import OpenAIInstrumentor
provider = TracerProvider()
provider.add_span_processor(LangfuseSpanProcessor(LangfuseSpanExporter()))
trace.set_tracer_provider(provider)
OpenAIInstrumentor().instrument()
runpy.run_path({app!r}, run_name='__main__')
"""
CONTENT = {
    "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
}


def messages(text: str | None) -> Any:
    """Roles, texts and tool calls of an input or output, without ids that differ between runs."""
    if not text:
        return None
    decoded = json.loads(text)
    found = decoded["messages"] if isinstance(decoded, dict) and "messages" in decoded else decoded
    return [
        (
            message.get("role"),
            message.get("content"),
            [call["function"]["name"] for call in message.get("tool_calls") or ()],
        )
        for message in (found if isinstance(found, list) else [found])
        if isinstance(message, dict)
    ]


def test_it_shows_the_same_model_usage_and_messages(
    run: Callable[..., subprocess.CompletedProcess[str]], langfuse: LangfuseApi
) -> None:
    shown = []
    known: set[str] = set()
    for module in ("langfuse_otel_openai", "opentelemetry.instrumentation.genai.openai"):
        ended = run([sys.executable, "-c", SETUP.format(module=module, app=APP)], CONTENT)
        assert ended.returncode == 0, ended.stderr
        rows = [row for row in langfuse.observations() if row["id"] not in known]
        known |= {row["id"] for row in rows}
        shown.append(
            [
                {
                    **{name: row[name] for name in ("type", "providedModelName", "usageDetails", "totalCost", "level")},
                    "input": messages(row["input"]) if row["type"] == "GENERATION" else None,
                    "output": messages(row["output"]) if row["type"] == "GENERATION" else None,
                }
                for row in rows
            ]
        )
    ours, theirs = shown
    assert len(ours) == 5
    assert theirs == ours


def test_under_run_it_shows_content_without_being_told_to(
    run: Callable[..., subprocess.CompletedProcess[str]], langfuse: LangfuseApi
) -> None:
    command = [sys.executable, "-m", "langfuse_otel", "run", "--", sys.executable, APP]
    ended = run(command, {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "langfuse_openai"})
    assert ended.returncode == 0, ended.stderr
    calls = [row for row in langfuse.observations() if row["type"] == "GENERATION"]
    assert calls
    assert all(row["input"] for row in calls)
    assert all(row["output"] for row in calls if row["level"] != "ERROR")
