"""`score()` inside an application shows up in Langfuse, whatever the wire and the delivery."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.langfuse_api import LangfuseApi

APP = """
import langfuse_otel
tracing = langfuse_otel.configure()

@langfuse_otel.observe
def answer(question):
    langfuse_otel.score(name="helpful", value=1, comment="to the point", metadata={"by": "ada"}, id="mine")
    langfuse_otel.score(name="sourced", value=True, of="trace")
    langfuse_otel.score(name="tone", value="friendly", session_id="chat-7")
    return "because"

answer("why?")
tracing.shutdown()
counts = tracing.status().counts
assert counts == {"accepted": 4, "delivered": 4}, counts
"""


@pytest.mark.parametrize("wire", ["auto", "otlp", "ingestion"])
@pytest.mark.parametrize("delivery", ["best_effort", "at_least_once"])
def test_scores_arrive_with_what_they_judge(
    run: Callable[..., subprocess.CompletedProcess[str]],
    langfuse: LangfuseApi,
    tmp_path: Path,
    wire: str,
    delivery: str,
) -> None:
    env = {
        "OTEL_EXPORTER_LANGFUSE_WIRE": wire,
        "OTEL_EXPORTER_LANGFUSE_DELIVERY": delivery,
        "OTEL_EXPORTER_LANGFUSE_SPOOL_DIRECTORY": str(tmp_path / "spool"),
    }
    ended = run([sys.executable, "-c", APP], env)
    assert (ended.returncode, ended.stderr) == (0, "")

    (answer,) = langfuse.observations()
    rows = langfuse.get("/api/public/v3/scores", fields="details,subject")["data"]
    scores: dict[str, dict[str, Any]] = {row["name"]: row for row in rows}
    assert {name: (row["value"], row["dataType"]) for name, row in scores.items()} == {
        "helpful": (1, "NUMERIC"),
        "sourced": (True, "BOOLEAN"),
        "tone": ("friendly", "CATEGORICAL"),
    }
    of_answer = {"kind": "observation", "id": answer["id"], "traceId": answer["traceId"]}
    assert scores["helpful"]["subject"] == of_answer
    assert scores["sourced"]["subject"] == {"kind": "trace", "id": answer["traceId"]}
    assert scores["tone"]["subject"] == {"kind": "session", "id": "chat-7"}
    helpful = scores["helpful"]
    assert (helpful["id"], helpful["comment"], helpful["metadata"]) == ("mine", "to the point", {"by": "ada"})
