"""Where our time goes: thread CPU of each step on the way of one span of the workload (``python -m bench.stages``)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider

from bench import workload
from bench.readme import write_table
from langfuse_otel.conventions.registry import read
from langfuse_otel.delivery.buffer import Buffer
from langfuse_otel.delivery.spool.codec import from_bytes, to_bytes
from langfuse_otel.observer import Observer
from langfuse_otel.selection import Selection
from langfuse_otel.settings import load
from langfuse_otel.wire.ingestion import IngestionWire
from langfuse_otel.wire.otlp import OtlpWire

_SPANS, _ROUNDS = 2_000, 15


class _Kept(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_start(self, span: Span, parent_context: Any = None) -> None: ...

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def main() -> None:
    provider, kept = TracerProvider(), _Kept()
    provider.add_span_processor(kept)
    tracer = provider.get_tracer("bench")
    for _ in range(_SPANS):
        workload.emit(tracer)
    bare = TracerProvider().get_tracer("bench")
    spans, settings = kept.spans, load({})
    observer, otlp, ingestion = Observer(settings, Selection()), OtlpWire(), IngestionWire()
    observations = [observer.read(span) for span in spans]
    encoded = [otlp.encode(observation) for observation in observations]
    bodies = [to_bytes(observation) for observation in observations]
    batches = [encoded[at : at + settings.max_batch_spans] for at in range(0, len(encoded), settings.max_batch_spans)]

    def put_and_take(_: Sequence[ReadableSpan]) -> None:
        buffer = Buffer(1_000_000, 1 << 40)
        for span in spans:
            buffer.put(span)
        buffer.take(_SPANS, 1 << 40)

    reading = _us(lambda: [read(span) for span in spans])
    rows = [
        ("the SDK's own: make, fill and end the span", _us(lambda: [workload.emit(bare) for _ in range(_SPANS)])),
        ("into the buffer and out of it", _us(lambda: put_and_take(spans))),
        ("read the conventions", reading),
        ("capture, masks, lists", _us(lambda: [observer.read(span) for span in spans]) - reading),
        ("tell twins once", _us(lambda: observer.tell_once(observations))),
        ("encode for OTLP", _us(lambda: [otlp.encode(observation) for observation in observations])),
        ("or for ingestion", _us(lambda: [ingestion.encode(observation) for observation in observations])),
        ("frame the request", _us(lambda: [otlp.frame(batch) for batch in batches])),
        ("at least once: to JSON for the spool", _us(lambda: [to_bytes(observation) for observation in observations])),
        ("at least once: and back", _us(lambda: [from_bytes(body) for body in bodies])),
    ]
    lines = [f"| step | µs a span |\n|---|---|\n| {rows[0][0]} | {rows[0][1]:.1f} |"]
    lines += [f"| {title} | {us:.1f} |" for title, us in rows[1:]]
    write_table("stages", "\n".join(lines))


def _us(step: Callable[[], object]) -> float:
    """The least of several rounds: what disturbs only adds."""
    times = []
    for _ in range(_ROUNDS):
        began = time.thread_time()
        step()
        times.append(time.thread_time() - began)
    return min(times) / _SPANS * 1e6


if __name__ == "__main__":
    main()
