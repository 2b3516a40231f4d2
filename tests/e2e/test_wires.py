"""Both wires leave the same observations."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from support.langfuse_api import LangfuseApi

APP = """
import langfuse_otel
from opentelemetry import trace
langfuse_otel.configure()
tracer = trace.get_tracer("shop")
prompt = {"langfuse.observation.prompt.name": "p", "langfuse.observation.prompt.version": 3}
chat = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.request.temperature": 0.5,
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 7,
    "gen_ai.usage.cache_read.input_tokens": 4,
    "gen_ai.response.time_to_first_chunk": 0.25,
    "gen_ai.input.messages": '[{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]',
    "gen_ai.output.messages": '[{"role": "assistant", "parts": [{"type": "text", "content": "ho"}]}]',
    "own.attribute": "kept",
}
fields = dict(user_id="ada", session_id="s", tags=["b", "a"], trace_name="question", metadata={"plan": "pro"})
with langfuse_otel.propagate_attributes(**fields), tracer.start_as_current_span("root", attributes={"input": "x"}):
    with tracer.start_as_current_span("chat", attributes=chat | prompt):
        pass
    with tracer.start_as_current_span("tool", attributes={"gen_ai.operation.name": "execute_tool"}):
        pass
    try:
        with tracer.start_as_current_span("fails"):
            raise ValueError("broken")
    except ValueError:
        pass
"""
SAME = (
    "type",
    "name",
    "parentObservationId",
    "level",
    "statusMessage",
    "environment",
    "userId",
    "sessionId",
    "traceName",
)
SAME += ("tags", "providedModelName", "modelParameters", "usageDetails", "totalCost", "promptName")
SAME += ("promptVersion", "isRootObservation", "timeToFirstToken")


def fields(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """What both wires can say; parents by name, as ids differ between two runs."""
    kept = {name: row[name] for name in SAME}
    kept["parentObservationId"] = names.get(row["parentObservationId"])
    kept["tags"] = sorted(row["tags"])
    for side in ("input", "output"):
        try:
            kept[side] = json.loads(row[side])
        except (TypeError, json.JSONDecodeError):
            kept[side] = row[side]
    kept["own.attribute"] = row["metadata"].get("own.attribute")
    return kept


def test_otlp_and_ingestion_say_the_same(
    run: Callable[..., subprocess.CompletedProcess[str]], langfuse: LangfuseApi
) -> None:
    said = []
    known: set[str] = set()
    for wire in ("otlp", "ingestion"):
        ended = run([sys.executable, "-c", APP], {"OTEL_EXPORTER_LANGFUSE_WIRE": wire})
        assert (ended.returncode, ended.stderr) == (0, "")
        rows = [row for row in langfuse.observations() if row["id"] not in known]
        known |= {row["id"] for row in rows}
        names = {row["id"]: row["name"] for row in rows}
        said.append(sorted((fields(row, names) for row in rows), key=lambda kept: str(kept["name"])))
    otlp, ingestion = said
    assert [row["name"] for row in otlp] == ["chat", "fails", "root", "tool"]
    for one, other in zip(otlp, ingestion, strict=True):
        assert one == other
