"""The processors: trace fields at a span's start, the exporter at its end."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from langfuse_otel import processor, provenance
from langfuse_otel.context import propagate_attributes
from langfuse_otel.exporter import LangfuseSpanExporter
from langfuse_otel.processor import LangfuseSpanProcessor, TraceFieldsProcessor
from support.sink import FaultSink
from support.spans import Collector, tracer_into


class Taking:
    """An exporter's place; remembers what it is asked."""

    sends_unfinished = False

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []
        self.calls: list[object] = []

    def accept(self, span: ReadableSpan) -> None:
        self.spans.append(span)

    def left_open(self, spans: int) -> None:
        self.calls.append(f"{spans} left open")

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        self.calls.append(timeout_millis)
        return False

    def shutdown(self) -> None:
        self.calls.append("shutdown")


@pytest.fixture
def exporter() -> Taking:
    return Taking()


def attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def test_every_span_of_the_block_carries_the_trace_fields(exporter: Taking) -> None:
    with (
        tracer_into(LangfuseSpanProcessor(exporter)) as tracer,
        propagate_attributes(user_id="u1", session_id="s1", tags=["a", "b"], metadata={"team": "x"}),
        tracer.start_as_current_span("root"),
        tracer.start_as_current_span("child"),
    ):
        pass

    for span in exporter.spans:
        assert attributes(span) == {
            "user.id": "u1",
            "session.id": "s1",
            "langfuse.trace.tags": ("a", "b"),
            "langfuse.trace.metadata.team": "x",
        }


def test_what_a_span_was_started_with_wins(exporter: Taking) -> None:
    with tracer_into(LangfuseSpanProcessor(exporter)) as tracer, propagate_attributes(user_id="context"):
        tracer.start_span("x", attributes={"user.id": "own"}).end()

    assert attributes(exporter.spans[0]) == {"user.id": "own"}


def test_the_prompt_in_use_is_put_on_the_span(exporter: Taking) -> None:
    with (
        tracer_into(LangfuseSpanProcessor(exporter)) as tracer,
        provenance.using(provenance.PromptRef("greeting", 7)),
    ):
        tracer.start_span("x").end()
        tracer.start_span("y", attributes={processor.PROMPT_NAME: "own"}).end()

    assert attributes(exporter.spans[0]) == {processor.PROMPT_NAME: "greeting", processor.PROMPT_VERSION: 7}
    assert attributes(exporter.spans[1]) == {processor.PROMPT_NAME: "own"}


def test_so_is_the_label_that_chose_its_version(exporter: Taking) -> None:
    with (
        tracer_into(LangfuseSpanProcessor(exporter)) as tracer,
        provenance.using(provenance.PromptRef("greeting", 7, "challenger")),
    ):
        tracer.start_span("x").end()

    assert attributes(exporter.spans[0])[provenance.PROMPT_LABEL] == "challenger"


def test_without_fields_a_span_stays_as_it_is(exporter: Taking) -> None:
    with tracer_into(LangfuseSpanProcessor(exporter)) as tracer:
        tracer.start_span("x").end()

    assert attributes(exporter.spans[0]) == {}


def test_the_context_given_to_the_span_counts_and_not_the_current_one(exporter: Taking) -> None:
    with tracer_into(LangfuseSpanProcessor(exporter)) as tracer:
        with propagate_attributes(user_id="u1"):
            from opentelemetry import context

            then = context.get_current()
        tracer.start_span("x", context=then).end()

    assert attributes(exporter.spans[0]) == {"user.id": "u1"}


def test_a_failure_of_ours_does_not_reach_the_application(exporter: Taking, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(context: object) -> None:
        raise ValueError("bug")

    monkeypatch.setattr(processor, "current_trace_fields", broken)
    with tracer_into(LangfuseSpanProcessor(exporter)) as tracer:
        tracer.start_span("x").end()

    assert len(exporter.spans) == 1


def test_a_span_that_is_not_sampled_goes_nowhere(exporter: Taking) -> None:
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    provider.add_span_processor(LangfuseSpanProcessor(exporter))
    provider.get_tracer("tests").start_span("x").end()

    assert exporter.spans == []


def test_flush_and_shutdown_are_the_exporters(exporter: Taking) -> None:
    it = LangfuseSpanProcessor(exporter)

    assert it.force_flush(100) is False
    it.shutdown()
    assert exporter.calls == [100, "shutdown"]


def test_trace_fields_alone_leave_the_export_to_others() -> None:
    collector = Collector()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(TraceFieldsProcessor())
    provider.add_span_processor(collector)
    with propagate_attributes(session_id="s1"):
        provider.get_tracer("tests").start_span("x").end()

    assert attributes(collector.spans[0]) == {"session.id": "s1"}


def test_beside_opentelemetrys_batch_processor_the_providers_flush_means_delivered() -> None:
    with FaultSink() as sink:
        exporter = LangfuseSpanExporter(public_key="pk-lf-1", secret_key="sk-lf-1", base_url=sink.url)
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        provider.add_span_processor(TraceFieldsProcessor())
        provider.get_tracer("tests").start_span("x").end()

        assert provider.force_flush(10_000)
        assert len(sink.delivered) == 1
        provider.shutdown()
