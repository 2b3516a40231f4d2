"""What servers and networks do, and what becomes of the spans: over real HTTP, through the whole exporter."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

from langfuse_otel.delivery import gate
from langfuse_otel.delivery.status import State
from langfuse_otel.exporter import LangfuseSpanExporter
from support.sink import (
    INGESTION_PATH,
    OTLP_PATH,
    FaultSink,
    Mode,
    Reply,
    Request,
    Reset,
    hang,
    html,
    over,
    poisoned_by,
    reset,
    status,
    taken,
)
from support.spans import finished, span_id, span_ids, tracer_into


@contextmanager
def exporter(sink: FaultSink, **options: object) -> Iterator[LangfuseSpanExporter]:
    it = LangfuseSpanExporter(
        **{
            "public_key": "pk-lf-1",
            "secret_key": "sk-lf-1",
            "base_url": sink.url,
            "wire": "otlp",
            "flush_interval_s": 0.01,
            "retry_initial_s": 0.01,
            "retry_max_s": 0.05,
            "breaker_open_s": 0.05,
            "timeout_s": 0.5,
            **options,
        }
    )
    yield it
    it.shutdown(0)


@pytest.fixture(autouse=True)
def short_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute is too long for a test."""
    monkeypatch.setattr(gate, "HOLD_S", 0.05)


@pytest.mark.parametrize(
    "mode",
    [status(503), status(500), status(408), status(429, Retry_After="0"), reset, hang, html, status(302), status(401)],
    ids=["503", "500", "408", "429", "reset", "hang", "html", "redirect", "401"],
)
def test_an_outage_of_any_kind_loses_nothing(mode: Mode) -> None:
    spans = finished(300)
    with FaultSink(mode) as sink, exporter(sink) as it:
        it.export(spans)
        sink.wait_for_requests(3)
        assert not sink.delivered

        sink.mode = taken
        sink.wait_for(span_ids(spans))
        assert it.force_flush()
        assert it.status().counts["delivered"] == 300


def test_a_server_that_was_not_there_gets_everything_when_it_comes() -> None:
    spans = finished(50)
    with FaultSink() as sink:
        port = sink.port
    with exporter(sink) as it:
        it.export(spans)
        assert not it.force_flush(200)
        with FaultSink(port=port) as back:
            back.wait_for(span_ids(spans))
            assert it.force_flush()


def test_a_server_restarted_between_two_batches_is_no_loss() -> None:
    """The pooled connection is dead by then."""
    first, second = finished(10), finished(10)
    with FaultSink() as sink:
        port = sink.port
        with exporter(sink) as it:
            it.export(first)
            assert it.force_flush()
            sink.close()
            with FaultSink(port=port) as restarted:
                it.export(second)
                restarted.wait_for(span_ids(second))
                assert it.force_flush()
            assert it.status().counts["delivered"] == 20


def test_a_lost_receipt_repeats_the_same_spans_and_makes_no_others() -> None:
    spans = finished(10)
    lost = iter([True])

    def cut_once(request: Request) -> Reply | Reset:
        return Reset(stored=True) if next(lost, False) else taken(request)

    with FaultSink(cut_once) as sink, exporter(sink) as it:
        it.export(spans)
        assert it.force_flush()
        assert sink.delivered == dict.fromkeys(span_ids(spans), 2)
        assert sink.requests[0].body == sink.requests[1].body


def test_retry_after_is_obeyed() -> None:
    asked = iter([1])

    def busy_once(request: Request) -> Reply:
        reply = (status(503, Retry_After="1") if next(asked, 0) else taken)(request)
        assert isinstance(reply, Reply)
        return reply

    with FaultSink(busy_once) as sink, exporter(sink) as it:
        it.export(finished())
        assert it.force_flush()
        assert sink.requests[1].at_s - sink.requests[0].at_s >= 1.0


def test_requests_over_the_servers_limit_are_split_until_all_that_fits_is_there() -> None:
    spans = finished(100, input="x" * 5_000)
    with FaultSink(over(50_000)) as sink, exporter(sink) as it:
        it.export(spans)
        assert it.force_flush()
        assert sink.delivered == dict.fromkeys(span_ids(spans), 1)


def test_one_poison_span_among_512_is_the_only_one_missing() -> None:
    spans = finished(512)
    poison = span_id(spans[300])
    with FaultSink(poisoned_by(poison)) as sink, exporter(sink, flush_interval_s=60.0) as it:
        it.export(spans)
        assert it.force_flush()

        assert sink.delivered == dict.fromkeys(span_ids(spans) - {poison}, 1)
        assert len(sink.requests) <= 20
        counts = it.status().counts
        assert (counts["delivered"], counts["refused"]) == (511, 1)
        assert it.status().last_error == "HTTP 400: bad span"


def test_a_wrong_key_shows_in_the_status_and_a_right_one_resumes() -> None:
    spans = finished(5)
    with FaultSink(status(401, "Invalid credentials")) as sink, exporter(sink) as it:
        it.export(spans)
        sink.wait_for_requests(2)
        current = it.status()
        assert current.state is State.HELD
        assert current.last_error is not None
        assert "LANGFUSE_SECRET_KEY" in current.last_error

        sink.mode = taken
        sink.wait_for(span_ids(spans))


def test_a_collector_that_rejects_some_is_believed() -> None:
    body = b'{"partialSuccess":{"rejectedSpans":"2","errorMessage":"quota"}}'
    with FaultSink(lambda request: Reply(200, body)) as sink, exporter(sink) as it:
        it.export(finished(5))
        assert it.force_flush()
        assert it.status().counts == {"accepted": 5, "delivered": 3, "refused": 2}
        assert len(sink.requests) == 1


def test_a_flush_of_a_hung_server_is_false_and_loses_nothing() -> None:
    spans = finished(5)
    with FaultSink(hang) as sink, exporter(sink) as it:
        it.export(spans)
        assert not it.force_flush(100)
        sink.mode = taken
        sink.wait_for(span_ids(spans))


def test_auto_finds_otlp() -> None:
    spans = finished(5)
    with FaultSink() as sink, exporter(sink, wire="auto") as it:
        it.export(spans)
        assert it.force_flush()
        assert sink.delivered == dict.fromkeys(span_ids(spans), 1)
        assert [request.path for request in sink.requests] == [OTLP_PATH, OTLP_PATH]
        assert it.status().wire == "otlp"


def test_auto_finds_ingestion_where_there_is_no_otlp() -> None:
    def version_2(request: Request) -> Reply:
        reply = (status(404) if request.path == OTLP_PATH else taken)(request)
        assert isinstance(reply, Reply)
        return reply

    spans = finished(5)
    with FaultSink(version_2) as sink, exporter(sink, wire="auto") as it:
        it.export(spans)
        assert it.force_flush()
        assert sink.delivered == dict.fromkeys(span_ids(spans), 1)
        assert [request.path for request in sink.requests] == [OTLP_PATH, INGESTION_PATH]
        assert it.status().wire == "ingestion"


def test_ingestion_resends_only_the_events_that_failed_for_a_while() -> None:
    spans = finished(3)
    bad, slow = span_id(spans[0]), span_id(spans[1])
    slow_once = iter([500])

    def mixed(request: Request) -> Reply:
        import json

        successes, errors = [], []
        for event in json.loads(request.body)["batch"]:
            code = 400 if event["body"]["id"] == bad else 201
            if event["body"]["id"] == slow:
                code = next(slow_once, 201)
            (errors if code >= 400 else successes).append({"id": event["id"], "status": code, "message": f"is {code}"})
        return Reply(207, json.dumps({"successes": successes, "errors": errors}).encode(), stored=True)

    with FaultSink(mixed) as sink, exporter(sink, wire="ingestion") as it:
        it.export(spans)
        assert it.force_flush()
        assert it.status().counts == {"accepted": 3, "delivered": 2, "refused": 1, "retried": 1}
        assert sink.requests[1].span_ids == [slow]


def test_opentelemetrys_own_batch_processor_gets_the_same_guarantees() -> None:
    with FaultSink(status(503)) as sink, exporter(sink) as it:
        ended: list[ReadableSpan] = []
        with tracer_into(BatchSpanProcessor(it)) as tracer:
            for _ in range(50):
                span = tracer.start_span("x")
                span.end()
                ended.append(span)  # type: ignore[arg-type]
            threading.Timer(0.2, lambda: setattr(sink, "mode", taken)).start()
        assert sink.delivered.keys() == span_ids(ended)


def test_after_shutdown_export_fails_and_raises_nothing() -> None:
    with FaultSink() as sink, exporter(sink) as it:
        it.shutdown()
        assert it.export(finished()) is SpanExportResult.FAILURE
        assert it.status().counts == {"shutdown": 1}
