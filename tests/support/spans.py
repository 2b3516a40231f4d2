"""Finished spans, made by the real SDK."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import Tracer
from opentelemetry.util.types import AttributeValue


class Collector(SpanProcessor):
    """Keeps what ends."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def finished(count: int = 1, **attributes: AttributeValue) -> list[ReadableSpan]:
    """So many root spans with these attributes (``_`` stands for a dot in names)."""
    collector = Collector()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(collector)
    tracer = provider.get_tracer("tests")
    named = {name.replace("_", "."): value for name, value in attributes.items()}
    for number in range(count):
        tracer.start_span(f"span {number}", attributes=named).end()
    return collector.spans


def span_id(span: ReadableSpan) -> str:
    """As in a request: 16 hex digits."""
    assert span.context is not None
    return format(span.context.span_id, "016x")


def span_ids(spans: list[ReadableSpan]) -> set[str]:
    """The ids of many."""
    return {span_id(span) for span in spans}


@contextmanager
def tracer_into(processor: SpanProcessor) -> Iterator[Tracer]:
    """A tracer whose spans go to this processor, which is shut down afterwards."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    yield provider.get_tracer("tests")
    provider.shutdown()
