"""Run by ``doctor`` in a child under auto-instrumentation: makes a span and says, in a line of JSON, what it met."""

from __future__ import annotations

import json
import os
from importlib.metadata import entry_points

from opentelemetry import trace

from langfuse_otel.environment_variables import EXPORTERS

SPAN_NAME = "langfuse-otel doctor"


def report() -> dict[str, object]:
    """The provider's class, the exporters that the winning distro left in the environment, the libraries wrapped."""
    provider = trace.get_tracer_provider()
    with trace.get_tracer(__name__).start_as_current_span(SPAN_NAME) as span:
        recording = span.is_recording()
    return {
        "provider": type(provider).__name__,
        "recording": recording,
        "exporters": {variable: os.environ.get(variable, "") for variable in EXPORTERS},
        "instrumented": _instrumented(),
    }


def _instrumented() -> list[str]:
    names = []
    for entry_point in entry_points(group="opentelemetry_instrumentor"):
        try:
            if entry_point.load()().is_instrumented_by_opentelemetry:
                names.append(entry_point.name)
        except Exception:  # a foreign package that does not load is not what is asked here
            continue
    return names


if __name__ == "__main__":
    print(json.dumps(report()), flush=True)
