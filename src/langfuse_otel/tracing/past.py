"""What happened before, told now, with the times that it had."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import TracerProvider

from langfuse_otel.observation import ObservationType
from langfuse_otel.tracing.fields import GenerationFields
from langfuse_otel.tracing.start import begin


@dataclass(frozen=True, slots=True, kw_only=True)
class PastObservation:
    """A finished observation and what happened inside it.

    Attributes:
        name: Its name.
        start_time: When it began.
        end_time: When it ended.
        type: ``span``, ``generation``, ``agent``, ``tool`` …
        fields: What it says, see ``GenerationFields``.
        error: Why it failed, if it did.
        children: What happened inside it.
    """

    name: str
    start_time: datetime
    end_time: datetime
    type: ObservationType = "span"
    fields: GenerationFields = field(default_factory=lambda: GenerationFields())
    error: BaseException | str | None = None
    children: Sequence[PastObservation] = ()


def record(traces: Iterable[PastObservation], *, tracer_provider: TracerProvider | None = None) -> list[str]:
    """Tell past traces, each by its root, with the times given. Trace fields come from ``propagate_attributes``.

    Args:
        traces: The roots.
        tracer_provider: Through whose exporters; the global one's by default.

    Returns:
        The trace ids (32 hex digits), in order.
    """
    # A trace of its own for each root, though with the user, session and tags of the block that this is called in.
    outside = trace.set_span_in_context(trace.INVALID_SPAN, otel_context.get_current())
    return [_record(root, outside, tracer_provider) for root in traces]


def _record(past: PastObservation, context: Context, tracer_provider: TracerProvider | None) -> str:
    told = begin(
        past.name,
        past.type,
        past.fields,
        start_time=past.start_time,
        context=context,
        tracer_provider=tracer_provider,
    )
    inside = trace.set_span_in_context(told.span, context)
    for child in past.children:
        _record(child, inside, tracer_provider)
    told.end(error=past.error, end_time=past.end_time)
    return told.trace_id
