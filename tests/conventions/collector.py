"""Spans as JSON, and back: what a recording keeps of them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

BASE_NS = 1_795_000_000 * 10**9


class _Collector(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def collecting() -> tuple[TracerProvider, _Collector]:
    """A global provider that keeps what ends."""
    provider = TracerProvider(resource=Resource({"service.name": "recorded"}), shutdown_on_exit=False)
    collector = _Collector()
    provider.add_span_processor(collector)
    trace.set_tracer_provider(provider)
    return provider, collector


def dump(collector: _Collector) -> None:
    """Write what was collected where the recorder wants it, ids numbered and times from a fixed start."""
    spans = sorted(collector.spans, key=lambda span: (span.start_time or 0, -(span.end_time or 0)))
    traces: dict[int, int] = {}
    ids: dict[int, int] = {}
    start = spans[0].start_time or 0
    for span in spans:
        context = span.get_span_context()
        traces.setdefault(context.trace_id, len(traces) + 1)
        ids.setdefault(context.span_id, len(ids) + 1)
    text = json.dumps([_to_json(span, traces, ids, start) for span in spans], indent=1, ensure_ascii=False)
    Path(os.environ["RECORDING"]).write_text(text + "\n", encoding="utf-8")


def _to_json(span: ReadableSpan, traces: Mapping[int, int], ids: Mapping[int, int], start: int) -> dict[str, Any]:
    scope = span.instrumentation_scope
    context = span.get_span_context()
    return {
        "name": span.name,
        "kind": span.kind.name,
        "trace": traces[context.trace_id],
        "id": ids[context.span_id],
        "parent": span.parent and ids.get(span.parent.span_id),
        "start_ns": (span.start_time or 0) - start,
        "end_ns": (span.end_time or 0) - start,
        "status": [span.status.status_code.name, span.status.description],
        "scope": [scope.name, scope.version] if scope else None,
        "attributes": dict(span.attributes or {}),
        "events": [[event.name, event.timestamp - start, dict(event.attributes or {})] for event in span.events],
    }


def spans_of(text: str) -> list[ReadableSpan]:
    """The spans of a recording."""
    return [_from_json(span) for span in json.loads(text)]


def _from_json(span: Mapping[str, Any]) -> ReadableSpan:
    trace_id = span["trace"]

    def context(span_id: int) -> SpanContext:
        return SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))

    return ReadableSpan(
        name=span["name"],
        context=context(span["id"]),
        parent=context(span["parent"]) if span["parent"] else None,
        resource=Resource({"service.name": "recorded"}),
        attributes=_attributes(span["attributes"]),
        events=[Event(name, _attributes(attributes), BASE_NS + at) for name, at, attributes in span["events"]],
        kind=SpanKind[span["kind"]],
        status=Status(StatusCode[span["status"][0]], span["status"][1]),
        start_time=BASE_NS + span["start_ns"],
        end_time=BASE_NS + span["end_ns"],
        instrumentation_scope=InstrumentationScope(*span["scope"]) if span["scope"] else None,
    )


def _attributes(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """As the SDK holds them: sequences are tuples."""
    return {key: tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
            for key, value in recorded.items()}  # fmt: skip
