"""See your LLM application in Langfuse through OpenTelemetry.

``configure()`` sets up everything; the exporter and the processor are for those who compose OpenTelemetry themselves.
Light to import: the SDK and the HTTP client are imported when something of them is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Imported before the function of the same name, which it would otherwise replace when something imports it later.
import langfuse_otel.prompts  # noqa: F401
from langfuse_otel.configure import Tracing, configure, prompts
from langfuse_otel.context import TraceFields, current_trace_fields, propagate_attributes
from langfuse_otel.errors import LangfuseError, SettingsError
from langfuse_otel.provenance import using

if TYPE_CHECKING:
    from langfuse_otel.exporter import LangfuseSpanExporter
    from langfuse_otel.processor import LangfuseSpanProcessor, TraceFieldsProcessor
    from langfuse_otel.prompts.client import Prompts
    from langfuse_otel.serverless import flush_after
    from langfuse_otel.tracing import generation, observe, score, span

__all__ = [
    "LangfuseError",
    "LangfuseSpanExporter",
    "LangfuseSpanProcessor",
    "Prompts",
    "SettingsError",
    "TraceFields",
    "TraceFieldsProcessor",
    "Tracing",
    "configure",
    "current_trace_fields",
    "flush_after",
    "generation",
    "observe",
    "prompts",
    "propagate_attributes",
    "score",
    "span",
    "using",
]

_HEAVY = {
    **dict.fromkeys(("generation", "observe", "score", "span"), "langfuse_otel.tracing"),
    "LangfuseSpanExporter": "langfuse_otel.exporter",
    "LangfuseSpanProcessor": "langfuse_otel.processor",
    "Prompts": "langfuse_otel.prompts.client",
    "flush_after": "langfuse_otel.serverless",
    "TraceFieldsProcessor": "langfuse_otel.processor",
}

if not TYPE_CHECKING:  # to a type checker every name would exist

    def __getattr__(name: str) -> Any:
        if name not in _HEAVY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HEAVY[name]), name)
