"""Applications in processes of their own: how they end is what is tested."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass

_PRELUDE = """
import sys
from opentelemetry.sdk.trace import TracerProvider
from langfuse_otel.exporter import LangfuseSpanExporter
from langfuse_otel.processor import LangfuseSpanProcessor

def tracing(**options):
    global provider, exporter, tracer
    provider = TracerProvider(**options)
    exporter = LangfuseSpanExporter()
    provider.add_span_processor(LangfuseSpanProcessor(exporter))
    tracer = provider.get_tracer("app")

def end_spans(count):
    for _ in range(count):
        span = tracer.start_span("s", attributes={"input": "x" * 1000})
        span.end()
        sys.stdout.write(format(span.get_span_context().span_id, "016x") + chr(10))
    sys.stdout.flush()
"""


@dataclass(frozen=True)
class Ended:
    """How an application ended, and the ids of the spans that it and its children said they ended."""

    code: int
    span_ids: list[str]
    errors: str


def run_app(source: str, url: str, *, timeout_s: float = 60.0, **env: str) -> Ended:
    """Run Python source with ``tracing()``, ``tracer`` and ``end_spans(count)`` at hand; fails when it does not end."""
    done = subprocess.run(
        [sys.executable, "-c", _PRELUDE + textwrap.dedent(source)],
        env={
            **os.environ,
            "LANGFUSE_PUBLIC_KEY": "pk-lf-1",
            "LANGFUSE_SECRET_KEY": "sk-lf-1",
            "LANGFUSE_BASE_URL": url,
            **env,
        },
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return Ended(done.returncode, done.stdout.split(), done.stderr)
