"""The size of a span, as far as it is counted."""

from __future__ import annotations

from opentelemetry.sdk.trace import TracerProvider

from langfuse_otel.delivery.span_size import SPAN_BYTES, size_bytes
from support.spans import Collector


def test_the_size_is_that_of_the_text_in_attributes_and_events() -> None:
    collector = Collector()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(collector)
    with provider.get_tracer("tests").start_as_current_span("x") as span:
        span.set_attributes({"input": "a" * 100, "tags": ["b" * 10, "c" * 10], "n": 1})
        span.add_event("gen_ai.content.prompt", {"gen_ai.prompt": "d" * 1_000})

    assert size_bytes(collector.spans[0]) == SPAN_BYTES + 100 + 20 + 1_000
