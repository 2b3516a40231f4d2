"""What the exporter's own metrics show of its work."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from langfuse_otel.exporter import LangfuseSpanExporter
from langfuse_otel.telemetry import (
    BREAKER_STATE,
    CAUSE,
    STATE,
    observe,
)
from support.meters import (
    BREAKER,
    CAPACITY,
    EXPORTED,
    INFLIGHT,
    LEFT_OUT,
    MEMORY,
    MEMORY_LIMIT,
    PRESSURE,
    PROCESSED,
    REQUEST_DURATION,
    REQUEST_SIZE,
    REQUESTS,
    RETRIED,
    SIZE,
    SPLIT,
    SPOOL_AGE,
    SPOOL_SPANS,
    SPOOL_USAGE,
    STATUS,
    UTILIZATION,
    Meters,
)
from support.sink import FaultSink, hang, poisoned_by, status, taken
from support.spans import finished, span_id

pytestmark = pytest.mark.usefixtures("unsaid")
KEYS: dict[str, Any] = {"public_key": "pk-lf-public", "secret_key": "sk-lf-secret"}

IMPATIENT: dict[str, Any] = {"retry_initial_s": 0.01, "retry_max_s": 0.01, "breaker_failures": 1_000}


class TestValues:
    def test_delivered_spans_are_exported_and_no_longer_in_flight(self, meters: Meters) -> None:
        with FaultSink() as sink:
            exporter = LangfuseSpanExporter(**KEYS, base_url=sink.url, max_queue_spans=50, max_queue_bytes=1_000_000)
            observe(exporter, meters.provider)
            exporter.export(finished(10))
            assert exporter.force_flush(20_000)

            assert meters.nonzero(PROCESSED) == {None: 10}
            assert meters.nonzero(EXPORTED) == {None: 10}
            assert meters.values(INFLIGHT) == {None: 0}
            assert meters.values(MEMORY) == {None: 0}
            assert meters.values(SIZE) == {None: 0}
            assert meters.values(CAPACITY) == {None: 50}
            assert meters.values(MEMORY_LIMIT) == {None: 1_000_000}
            assert meters.nonzero(STATUS, STATE) == {"delivering": 1}
            exporter.shutdown(0)

    def test_a_refused_span_has_failed_and_the_others_have_not(self, meters: Meters) -> None:
        spans = finished(8)
        with FaultSink(poisoned_by(span_id(spans[3]))) as sink:
            exporter = LangfuseSpanExporter(**KEYS, base_url=sink.url)
            observe(exporter, meters.provider)
            exporter.export(spans)
            assert exporter.force_flush(20_000)

            assert meters.nonzero(EXPORTED) == {None: 7, "refused": 1}
            assert meters.values(SPLIT)[None] == exporter.status().counts["split"] >= 1
            exporter.shutdown(0)

    def test_what_a_full_queue_turns_away_was_not_processed_and_the_rest_is_in_flight(self, meters: Meters) -> None:
        with FaultSink(hang) as sink:
            exporter = LangfuseSpanExporter(**KEYS, base_url=sink.url, max_queue_spans=5, flush_interval_s=3_600)
            observe(exporter, meters.provider)
            exporter.export(finished(12))

            assert meters.nonzero(PROCESSED) == {None: 5, "queue_full": 7}
            assert meters.values(INFLIGHT) == {None: 5}
            exporter.shutdown(0)

    def test_a_shut_down_exporter_still_shows_what_that_has_cost(self, meters: Meters) -> None:
        with FaultSink(hang) as sink:
            exporter = LangfuseSpanExporter(**KEYS, base_url=sink.url)
            observe(exporter, meters.provider)
            exporter.export(finished(4))
            exporter.shutdown(0)

            assert meters.nonzero(EXPORTED) == {"shutdown": 4}
            assert meters.values(INFLIGHT) == {None: 0}
            assert meters.nonzero(STATUS, STATE) == {"closed": 1}

    def test_retries_show_and_lose_nothing(self, meters: Meters) -> None:
        with FaultSink(status(503)) as sink:
            exporter = LangfuseSpanExporter(**KEYS, **IMPATIENT, base_url=sink.url)
            observe(exporter, meters.provider)
            exporter.export(finished(4))
            exporter.force_flush(0)
            sink.wait_for_requests(3)  # the third is sent when two answers are booked

            assert meters.values(RETRIED)[None] >= 2
            assert meters.values(INFLIGHT) == {None: 4}
            assert meters.nonzero(STATUS, STATE) == {"retrying": 1}
            sink.mode = taken
            assert exporter.force_flush(20_000)
            assert meters.nonzero(EXPORTED) == {None: 4}
            exporter.shutdown(0)

    def test_what_is_being_sent_is_in_flight_and_only_the_rest_waits(self, meters: Meters) -> None:
        with FaultSink(hang) as sink:
            exporter = LangfuseSpanExporter(**KEYS, base_url=sink.url, max_queue_spans=5, flush_interval_s=0.01)
            observe(exporter, meters.provider)
            exporter.export(finished(2))
            sink.wait_for_requests(1)
            assert meters.values(SIZE) == {None: 0}
            assert meters.values(PRESSURE) == {None: 0}

            exporter.export(finished(5))
            assert meters.values(INFLIGHT) == {None: 7}
            assert meters.values(SIZE) == {None: 5}
            assert meters.values(MEMORY)[None] == exporter.status().pending_bytes > 0
            assert meters.values(UTILIZATION) == {None: 1.0}
            assert meters.values(PRESSURE) == {None: 1}
            exporter.shutdown(0)

    def test_requests_show_by_outcome_with_what_was_sent_and_how_long_it_took(self, meters: Meters) -> None:
        with FaultSink(status(503)) as sink:
            exporter = LangfuseSpanExporter(**KEYS, **IMPATIENT, base_url=sink.url, wire="otlp")
            observe(exporter, meters.provider)
            exporter.export(finished(4))
            exporter.force_flush(0)
            sink.wait_for_requests(2)
            sink.mode = taken
            assert exporter.force_flush(20_000)

            requests, sizes, durations = (meters.values(n) for n in (REQUESTS, REQUEST_SIZE, REQUEST_DURATION))
            assert {key for key, value in requests.items() if value} == {None, "unavailable"}
            assert requests[None] == 1
            assert requests["unavailable"] == len(sink.requests) - 1
            assert sizes["unavailable"] == sizes[None] * requests["unavailable"] > 0
            assert durations[None] > 0
            exporter.shutdown(0)

    def test_an_open_breaker_shows(self, meters: Meters) -> None:
        with FaultSink(status(503)) as sink:
            opened = threading.Event()
            exporter = LangfuseSpanExporter(
                **KEYS, base_url=sink.url, breaker_failures=1, on_breaker=lambda before, now, error: opened.set()
            )
            observe(exporter, meters.provider)
            assert meters.nonzero(BREAKER, BREAKER_STATE) == {"closed": 1}

            exporter.export(finished(1))
            exporter.force_flush(0)
            assert opened.wait(20)
            assert meters.nonzero(BREAKER, BREAKER_STATE) == {"open": 1}
            exporter.shutdown(0)

    def test_a_spool_shows_what_waits_and_since_when(self, meters: Meters, tmp_path: Path) -> None:
        with FaultSink(hang) as sink:
            exporter = LangfuseSpanExporter(
                **KEYS, base_url=sink.url, delivery="at_least_once", spool_directory=str(tmp_path / "spool")
            )
            observe(exporter, meters.provider)
            exporter.export(finished(3))
            exporter.force_flush(0)
            sink.wait_for_requests(1)

            assert meters.values(SPOOL_SPANS) == {None: 3}
            assert meters.values(SPOOL_USAGE)[None] == exporter.status().spooled_bytes > 0
            assert meters.values(SPOOL_AGE)[None] >= 0
            exporter.shutdown(0)

    def test_spans_left_out_on_purpose_are_no_failures(self, meters: Meters) -> None:
        with FaultSink() as sink:
            exporter = LangfuseSpanExporter(**KEYS, base_url=sink.url, sample_rate=0.0)
            observe(exporter, meters.provider)
            exporter.export(finished(6))

            assert meters.nonzero(LEFT_OUT, CAUSE) == {"sampled": 6}
            assert meters.nonzero(PROCESSED) == meters.nonzero(EXPORTED) == {}
            exporter.shutdown(0)
