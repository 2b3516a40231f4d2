"""Spans that have not ended when the process does: sent as they are then, and marked as such.

Langfuse keeps one row a span, the newest, and has no row without an end: its OTLP endpoint would take the start for it.
So the end is the moment of the shutdown, and level, status message and metadata say so.
"""

from __future__ import annotations

import time
import weakref

from opentelemetry.sdk.trace import ReadableSpan, Span
from opentelemetry.trace import StatusCode
from opentelemetry.util.types import AttributeValue

LEVEL = "langfuse.observation.level"
STATUS_MESSAGE = "langfuse.observation.status_message"
UNFINISHED = "langfuse.observation.metadata.unfinished"
MESSAGE = "unfinished: the process ended before this did; the end is when that began"
ENDED_LATE = "ended while the process was ending"


class OpenSpans:
    """The spans that have started and not ended, held weakly: one that the application has forgotten is none."""

    def __init__(self) -> None:
        self._spans: weakref.WeakValueDictionary[int, Span] = weakref.WeakValueDictionary()
        self._sent: set[int] = set()

    def add(self, span: Span) -> None:
        """A span has started."""
        context = span.get_span_context()
        if context is not None and context.trace_flags.sampled:
            self._spans[context.span_id] = span

    def ended(self, span: ReadableSpan, span_id: int) -> ReadableSpan:
        """A span has ended. What to send: the span, or if it was sent as unfinished, a copy that takes that back."""
        self._spans.pop(span_id, None)
        return _late(span) if span_id in self._sent else span

    def take(self) -> list[Span]:
        """All of them; from now on they count as sent."""
        # Other threads go on: this is the one way to list them that does not mind.
        spans = [span for ref in self._spans.valuerefs() if (span := ref()) is not None]
        self._sent.update(span.get_span_context().span_id for span in spans)
        self._spans.clear()
        return spans


def unfinished(span: ReadableSpan) -> ReadableSpan:
    """A span as it is now. Raises if it changes meanwhile in a way that cannot be read."""
    said: dict[str, AttributeValue] = {STATUS_MESSAGE: MESSAGE}
    if span.status.status_code is not StatusCode.ERROR:
        said[LEVEL] = "WARNING"
    return _copy(span, time.time_ns(), {**(span.attributes or {}), **said, UNFINISHED: True})


def _late(span: ReadableSpan) -> ReadableSpan:
    """Where Langfuse merges rows field by field (version 3), only what is said takes back what was said before."""
    given = span.attributes or {}
    message = span.status.description or ENDED_LATE
    return _copy(span, span.end_time, {STATUS_MESSAGE: message, **given, UNFINISHED: False})


def _copy(span: ReadableSpan, end_ns: int | None, attributes: dict[str, AttributeValue]) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=end_ns,
        instrumentation_scope=span.instrumentation_scope,
    )
