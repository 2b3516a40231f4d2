"""A span that is too large, made small: what is kept, what shows, what it costs."""

from __future__ import annotations

import time
import tracemalloc

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from langfuse_otel.delivery.shortened import Shortening, shortened
from langfuse_otel.delivery.span_size import SPAN_BYTES, size_bytes
from langfuse_otel.wire.limits import TRUNCATED_KEY
from support.spans import Collector, finished
from support.transports import observe


def _span(**attributes: object) -> ReadableSpan:
    collector = Collector()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(collector)
    with provider.get_tracer("tests").start_as_current_span("x") as span:
        span.set_attributes(attributes)  # type: ignore[arg-type]
        span.add_event("gen_ai.content.prompt", {"gen_ai.prompt": "d" * 100_000})
    return collector.spans[0]


def test_only_long_texts_are_cut_and_say_how_long_they_were() -> None:
    span = _span(input="a" * 1_000_000, tags=["b" * 100_000, "c"], model="gpt", n=1)
    short = shortened(span, 10_000)
    attributes = dict(short.attributes or {})

    assert str(attributes["input"]).endswith("aaa… [truncated: 1,000,000 characters]")
    assert [len(str(tag)) < 10_000 for tag in attributes["tags"]] == [True, True]  # type: ignore[union-attr]
    assert attributes["tags"][1] == "c"  # type: ignore[index]
    assert (attributes["model"], attributes["n"]) == ("gpt", 1)
    assert str((short.events[0].attributes or {})["gen_ai.prompt"]).endswith("[truncated: 100,000 characters]")
    assert attributes[TRUNCATED_KEY] == size_bytes(span)
    assert size_bytes(short) < SPAN_BYTES + 10_200


def test_all_else_stays_as_it_was() -> None:
    span = _span(input="a" * 1_000_000)
    short = shortened(span, 10_000)

    for name in ("name", "context", "parent", "kind", "status", "start_time", "end_time", "resource", "links"):
        assert getattr(short, name) == getattr(span, name), name
    assert short.instrumentation_scope is span.instrumentation_scope
    assert [(event.name, event.timestamp) for event in short.events] == [
        (event.name, event.timestamp) for event in span.events
    ]


def test_a_long_text_is_not_copied() -> None:
    span = finished(1, input="x" * 200_000_000)[0]
    tracemalloc.start()
    began = time.thread_time()
    shortened(span, 1_000_000)
    took_s = time.thread_time() - began
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < 5_000_000
    assert took_s < 0.02


def test_an_observer_is_given_large_spans_shortened_and_others_as_they_are() -> None:
    seen: list[ReadableSpan] = []

    class Reader:
        tell_once = observe.tell_once

        def read(self, span: ReadableSpan) -> object:
            seen.append(span)
            return observe.read(span)

    small, large = finished(1, input="x")[0], finished(1, input="x" * 100_000)[0]
    brief = Shortening(Reader(), 50_000, lambda span: shortened(span, 1_000))  # type: ignore[arg-type]
    brief.read(small)
    brief.read(large)

    assert seen[0] is small
    assert size_bytes(seen[1]) < SPAN_BYTES + 2_000
