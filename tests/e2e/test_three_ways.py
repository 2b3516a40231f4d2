"""The same application through each way in leaves the same observations, field by field."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.langfuse_api import LangfuseApi

APP = str(Path(__file__).parent / "app.py")
OPERATIONS = 5  # in that application
BIN = Path(sys.executable).parent
FOREIGN = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "openai"}  # the official one, which another test needs installed
ONLY_TRACES = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
STOCK = {"OTEL_PYTHON_DISTRO": "distro", "OTEL_PYTHON_CONFIGURATOR": "configurator", **ONLY_TRACES}
# What OpenTelemetry's loader says of each configurator that is installed and not chosen.
LOADER = re.compile(r"Configuration of langfuse not loaded because .*\n")
OURS = {"OTEL_PYTHON_DISTRO": "langfuse", "OTEL_PYTHON_CONFIGURATOR": "langfuse"}

CONFIGURE = "import runpy, langfuse_otel\nlangfuse_otel.configure()\n"
OWN_PROVIDER = """
import runpy
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from langfuse_otel import LangfuseSpanExporter, LangfuseSpanProcessor
from langfuse_otel_openai import OpenAIInstrumentor
provider = TracerProvider()
provider.add_span_processor(LangfuseSpanProcessor(LangfuseSpanExporter()))
trace.set_tracer_provider(provider)
OpenAIInstrumentor().instrument()
"""
RUN_APP = f"runpy.run_path({APP!r}, run_name='__main__')"
INSTRUMENT = [str(BIN / "opentelemetry-instrument"), sys.executable, APP]

WAYS: dict[str, tuple[list[str], dict[str, str]]] = {
    "configure()": ([sys.executable, "-c", CONFIGURE + RUN_APP], {}),
    "own provider": ([sys.executable, "-c", OWN_PROVIDER + RUN_APP], {}),
    "environment only": (INSTRUMENT, {**FOREIGN, **STOCK, "OTEL_TRACES_EXPORTER": "langfuse"}),
    "opentelemetry-instrument": (INSTRUMENT, {**FOREIGN, **OURS}),
    "langfuse-otel run": ([str(BIN / "langfuse-otel"), "run", "--", sys.executable, APP], FOREIGN),
}
# What differs between any two runs: when, and under which ids; and how OpenTelemetry was started.
RUN_FIELDS = {"id", "traceId", "startTime", "endTime", "completionStartTime", "createdAt", "updatedAt", "latency"}
RUN_FIELDS |= {"timeToFirstToken"}
RUN_IDS = re.compile(r"(chatcmpl|call|fp)[-_][0-9a-f]+")


def comparable(row: dict[str, Any]) -> dict[str, Any]:
    """An observation without what differs between two runs of one program."""
    kept = {name: value for name, value in row.items() if name not in RUN_FIELDS}
    kept["has first token"] = row["completionStartTime"] is not None
    for name in ("input", "output"):
        kept[name] = RUN_IDS.sub(r"\1", row[name] or "")
    # "attributes" repeats the fields above, times among them; the resource says how OpenTelemetry was started; each run
    # has a model on a port of its own.
    varying = ("attributes", "resourceAttributes", "server.port")
    kept["metadata"] = {
        name: RUN_IDS.sub(r"\1", str(value)) for name, value in row["metadata"].items() if name not in varying
    }
    return kept


def test_every_way_leaves_the_same_observations_and_the_program_s_own_output(
    run: Callable[..., subprocess.CompletedProcess[str]], langfuse: LangfuseApi
) -> None:
    left: dict[str, list[dict[str, Any]]] = {}
    known: set[str] = set()
    for way, (command, env) in WAYS.items():
        ended = run(command, env)
        said = LOADER.sub("", ended.stderr) if env.items() >= STOCK.items() else ended.stderr
        assert (ended.returncode, ended.stdout, said) == (0, "", ""), way
        rows = [row for row in langfuse.observations() if row["id"] not in known]  # delivered: the program has ended
        known |= {row["id"] for row in rows}
        left[way] = [comparable(row) for row in rows]
    reference = left.pop("configure()")
    assert len(reference) == OPERATIONS
    assert [row["type"] for row in reference] == ["GENERATION"] * 4 + ["EMBEDDING"]
    assert [row["level"] for row in reference] == ["DEFAULT"] * 3 + ["ERROR", "DEFAULT"]
    assert reference[1]["has first token"]
    assert all(row["usageDetails"] and row["totalCost"] for row in reference if row["level"] == "DEFAULT")
    for way, rows in left.items():
        for row, expected in zip(rows, reference, strict=True):
            assert row == expected, way
