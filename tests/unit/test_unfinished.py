"""Spans that have not ended when the process does."""

from __future__ import annotations

import gc

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Status, StatusCode, Tracer

from langfuse_otel.conventions.registry import read
from langfuse_otel.processor import LangfuseSpanProcessor
from langfuse_otel.unfinished import ENDED_LATE, MESSAGE, OpenSpans


class Exporting:
    """An exporter's place."""

    def __init__(self, sends_unfinished: bool = True) -> None:
        self.sends_unfinished = sends_unfinished
        self.spans: list[ReadableSpan] = []
        self.left = 0

    def accept(self, span: ReadableSpan) -> None:
        self.spans.append(span)

    def left_open(self, spans: int) -> None:
        self.left += spans

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True

    def shutdown(self) -> None:
        pass


def traced(exporter: Exporting) -> tuple[TracerProvider, Tracer]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(LangfuseSpanProcessor(exporter))
    return provider, provider.get_tracer("tests")


def test_an_open_span_is_sent_at_the_shutdown_and_says_that_it_is_unfinished() -> None:
    provider, tracer = traced(exporter := Exporting())
    span = tracer.start_span("work", attributes={"input": "so far", "team": "x"})
    tracer.start_span("done").end()

    provider.shutdown()

    assert [sent.name for sent in exporter.spans] == ["done", "work"]
    observation = read(exporter.spans[1])
    assert observation.span_id == format(span.get_span_context().span_id, "016x")
    assert (observation.level, observation.status_message) == ("WARNING", MESSAGE)
    assert observation.metadata["unfinished"] is True
    assert observation.metadata["team"] == "x"
    assert observation.end_ns > observation.start_ns


def test_what_the_span_had_said_of_an_error_stays() -> None:
    provider, tracer = traced(exporter := Exporting())
    span = tracer.start_span("work")
    span.set_status(Status(StatusCode.ERROR, "it failed"))

    provider.shutdown()

    assert read(exporter.spans[0]).level == "ERROR"


def test_a_span_that_ends_after_all_takes_back_what_was_said() -> None:
    provider, tracer = traced(exporter := Exporting())
    span = tracer.start_span("work")
    provider.shutdown()
    span.set_attribute("output", "all of it")
    span.end()

    first, second = (read(sent) for sent in exporter.spans)
    assert (first.trace_id, first.span_id, first.start_ns) == (second.trace_id, second.span_id, second.start_ns)
    assert second.end_ns >= first.end_ns  # where the server orders by that, the later one wins
    assert (second.level, second.status_message) == ("DEFAULT", ENDED_LATE)
    assert second.metadata["unfinished"] is False


def test_the_status_message_of_a_span_that_ends_late_is_its_own() -> None:
    provider, tracer = traced(exporter := Exporting())
    span = tracer.start_span("work")
    provider.shutdown()
    span.set_status(Status(StatusCode.ERROR, "it failed"))
    span.end()

    late = read(exporter.spans[1])
    assert (late.level, late.status_message) == ("ERROR", "it failed")


def test_each_is_sent_once_however_often_the_end_begins() -> None:
    exporter = Exporting()
    processor = LangfuseSpanProcessor(exporter)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    span = provider.get_tracer("tests").start_span("work")

    processor.settle_open_spans()
    processor.settle_open_spans()
    processor.shutdown()

    assert len(exporter.spans) == 1
    assert span.is_recording()


def test_a_span_that_the_application_has_forgotten_is_not_held() -> None:
    provider, tracer = traced(exporter := Exporting())
    for _ in range(100):
        tracer.start_span("forgotten")
    gc.collect()

    provider.shutdown()

    assert exporter.spans == []


def test_nothing_is_remembered_of_spans_that_have_ended() -> None:
    spans = OpenSpans()
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("tests")
    span = tracer.start_span("work")
    context = span.get_span_context()
    spans.add(span)  # type: ignore[arg-type]
    assert spans.ended(span, context.span_id) is span  # type: ignore[arg-type]

    assert spans.take() == []


def test_without_the_setting_they_are_counted() -> None:
    provider, tracer = traced(exporter := Exporting(sends_unfinished=False))
    spans = [tracer.start_span("work") for _ in range(3)]
    tracer.start_span("done").end()

    provider.shutdown()

    assert [sent.name for sent in exporter.spans] == ["done"]
    assert exporter.left == len(spans)


def test_spans_that_are_not_sampled_are_not_sent() -> None:
    exporter = Exporting()
    provider = TracerProvider(shutdown_on_exit=False, sampler=ALWAYS_OFF)
    provider.add_span_processor(LangfuseSpanProcessor(exporter))
    span = provider.get_tracer("tests").start_span("work")

    provider.shutdown()

    assert exporter.spans == []
    assert not span.is_recording()


def test_a_forked_child_leaves_the_parents_open_spans_to_the_parent() -> None:
    for sends_unfinished in (True, False):
        exporter = Exporting(sends_unfinished)
        processor = LangfuseSpanProcessor(exporter)
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)
        span = provider.get_tracer("tests").start_span("the parent's")

        processor.after_fork_child()
        span.end()  # in the child: that one counts as any span that ends
        processor.settle_open_spans()

        assert [sent.name for sent in exporter.spans] == ["the parent's"]
        assert exporter.left == 0
