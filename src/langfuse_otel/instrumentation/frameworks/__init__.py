"""Frameworks that call back: runs of models, agents, tools and retrievals as spans, and their values as plain ones."""

from langfuse_otel.instrumentation.call import Telemetry
from langfuse_otel.instrumentation.frameworks.called_models import asked, called_model
from langfuse_otel.instrumentation.frameworks.documents import document
from langfuse_otel.instrumentation.frameworks.handlers import Listed, beside
from langfuse_otel.instrumentation.frameworks.plain import plain
from langfuse_otel.instrumentation.frameworks.run_contexts import Places, run_in_their_spans
from langfuse_otel.instrumentation.frameworks.steps import Kind
from langfuse_otel.instrumentation.frameworks.traced_runs import NOT_YET, Run, Told, TracedRuns

__all__ = [
    "NOT_YET",
    "Kind",
    "Listed",
    "Places",
    "Run",
    "Telemetry",
    "Told",
    "TracedRuns",
    "asked",
    "beside",
    "called_model",
    "document",
    "plain",
    "run_in_their_spans",
]
