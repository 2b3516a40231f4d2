"""Spans by hand, for code with no client to wrap: in Langfuse's terms, on any OpenTelemetry provider."""

from langfuse_otel.tracing.decorator import observe
from langfuse_otel.tracing.live import LiveObservation
from langfuse_otel.tracing.llm_call import track_llm_call
from langfuse_otel.tracing.past import PastObservation, record
from langfuse_otel.tracing.scoring import score
from langfuse_otel.tracing.start import current_observation, event, generation, span

__all__ = [
    "LiveObservation",
    "PastObservation",
    "current_observation",
    "event",
    "generation",
    "observe",
    "record",
    "score",
    "span",
    "track_llm_call",
]
