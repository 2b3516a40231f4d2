"""The exporter's own metrics, as OpenTelemetry's metrics SDK collects them."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import re
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.metrics import MeterProvider as AnyMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import Gauge, InMemoryMetricReader, Metric, Sum
from opentelemetry.semconv._incubating.metrics import otel_metrics

from langfuse_otel import log
from langfuse_otel.delivery.status import State
from langfuse_otel.delivery.traffic import FAILURES
from langfuse_otel.exporter import LangfuseSpanExporter
from langfuse_otel.metering import COMPONENT_NAME, COMPONENT_TYPE
from langfuse_otel.resilience.breaker import BreakerState
from langfuse_otel.tally import Cause
from langfuse_otel.telemetry import (
    BREAKER_STATE,
    CAUSE,
    ERROR_TYPE,
    STATE,
    observe,
)
from support.sink import FaultSink, hang, poisoned_by, status, taken
from support.spans import finished, span_id

KEYS: dict[str, Any] = {"public_key": "pk-lf-public", "secret_key": "sk-lf-secret"}
IMPATIENT: dict[str, Any] = {"retry_initial_s": 0.01, "retry_max_s": 0.01, "breaker_failures": 1_000}
PAGE = Path(__file__).parents[2] / "docs" / "operations" / "metrics.md"
EXPORTER = "langfuse_otel.exporter.LangfuseSpanExporter"

PROCESSED = "otel.sdk.processor.span.processed"
SIZE = "otel.sdk.processor.span.queue.size"
CAPACITY = "otel.sdk.processor.span.queue.capacity"
INFLIGHT = "otel.sdk.exporter.span.inflight"
EXPORTED = "otel.sdk.exporter.span.exported"
LEFT_OUT = "langfuse.exporter.span.left_out"
ALTERED = "langfuse.exporter.span.altered"
RETRIED = "langfuse.exporter.batch.retried"
SPLIT = "langfuse.exporter.batch.split"
MEDIA = "langfuse.exporter.media.uploaded"
MEMORY = "langfuse.exporter.queue.memory.usage"
MEMORY_LIMIT = "langfuse.exporter.queue.memory.limit"
UTILIZATION = "langfuse.exporter.queue.utilization"
PRESSURE = "langfuse.exporter.queue.pressure"
SAMPLE_RATE = "langfuse.exporter.queue.sample_rate"
SPOOL_SPANS = "langfuse.exporter.spool.spans"
SPOOL_USAGE = "langfuse.exporter.spool.usage"
SPOOL_AGE = "langfuse.exporter.spool.oldest_age"
REQUESTS = "langfuse.exporter.request.count"
REQUEST_SIZE = "langfuse.exporter.request.size"
REQUEST_DURATION = "langfuse.exporter.request.duration"
BREAKER = "langfuse.exporter.breaker.status"
STATUS = "langfuse.exporter.status"

BY_CAUSE = {PROCESSED, EXPORTED, LEFT_OUT, ALTERED, RETRIED, SPLIT, MEDIA}
COUNTERS = {*BY_CAUSE, REQUESTS, REQUEST_SIZE, REQUEST_DURATION}
GAUGES = {UTILIZATION, SAMPLE_RATE, SPOOL_AGE}
UNITS = {
    **dict.fromkeys((PROCESSED, SIZE, CAPACITY, INFLIGHT, EXPORTED, LEFT_OUT, ALTERED, SPOOL_SPANS), "{span}"),
    REQUESTS: "{request}",
    **dict.fromkeys((REQUEST_DURATION, SPOOL_AGE), "s"),
    **dict.fromkeys((RETRIED, SPLIT), "{batch}"),
    MEDIA: "{medium}",
    **dict.fromkeys((MEMORY, MEMORY_LIMIT, SPOOL_USAGE, REQUEST_SIZE), "By"),
    **dict.fromkeys((UTILIZATION, PRESSURE, SAMPLE_RATE, BREAKER, STATUS), "1"),
}


class Meters:
    """A meter provider of the SDK and what it collects."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider(metric_readers=[self._reader], shutdown_on_exit=False)

    def collect(self) -> dict[str, Metric]:
        """Every metric there is, by name; a name that comes twice is a failure."""
        data = self._reader.get_metrics_data()
        found: dict[str, Metric] = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                assert scope.scope.name == "langfuse_otel"
                for metric in scope.metrics:
                    assert metric.name not in found
                    found[metric.name] = metric
        return found

    def points(self, name: str) -> list[tuple[dict[str, Any], int | float]]:
        metric = self.collect().get(name)
        if metric is None:
            return []
        assert isinstance(metric.data, Gauge if name in GAUGES else Sum)
        return [(dict(point.attributes or {}), point.value) for point in metric.data.data_points]

    def values(self, name: str, attribute: str = ERROR_TYPE) -> dict[str | None, int | float]:
        """Of the only exporter, by an attribute; None where a point has none."""
        points = self.points(name)
        values = {attributes.get(attribute): value for attributes, value in points}
        assert len(values) == len(points)
        return values

    def nonzero(self, name: str, attribute: str = ERROR_TYPE) -> dict[str | None, int | float]:
        return {key: value for key, value in self.values(name, attribute).items() if value}

    def exporters(self) -> list[str]:
        return [attributes[COMPONENT_NAME] for attributes, _ in self.points(INFLIGHT)]


@pytest.fixture
def meters() -> Iterator[Meters]:
    meters = Meters()
    yield meters
    meters.provider.shutdown()


@pytest.fixture(autouse=True)
def unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is logged once a minute or process is logged once a test."""
    monkeypatch.setattr(log, "_once", log.RateLimit(float("inf")))
    monkeypatch.setattr(log, "_minute", log.RateLimit(60.0))


def disabled() -> LangfuseSpanExporter:
    """One that sends nothing."""
    return LangfuseSpanExporter(tracing_enabled=False)


class TestInstruments:
    def test_names_units_and_kinds(self, meters: Meters) -> None:
        exporter = disabled()
        observe(exporter, meters.provider)
        collected = meters.collect()

        assert {name: metric.unit for name, metric in collected.items()} == UNITS
        assert {n for n, m in collected.items() if isinstance(m.data, Sum) and m.data.is_monotonic} == COUNTERS
        assert all(metric.description for metric in collected.values())

    def test_names_that_claim_to_be_the_conventions_are(self) -> None:
        theirs = {value for name, value in vars(otel_metrics).items() if name.startswith("OTEL_SDK_")}

        assert {name for name in UNITS if name.startswith("otel.")} <= theirs

    def test_the_page_about_them_has_them_all_and_every_value_of_their_attributes(self, meters: Meters) -> None:
        page = PAGE.read_text().partition("## Prompts")[0]
        rows = re.findall(r"^\| `([a-z._]+)` \| [a-z -]+ \| `(.+?)` \| (.*?) \|", page, re.MULTILINE)
        exporter = disabled()
        observe(exporter, meters.provider)

        assert {name: unit for name, unit, _ in rows} == UNITS
        for name, _, documented in rows:
            own = [{k: v for k, v in a.items() if not k.startswith("otel.")} for a, _ in meters.points(name)]
            assert set(re.findall("`(.+?)`", documented)) == {
                text for pairs in own for kv in pairs.items() for text in kv
            }

    def test_attributes_are_few_and_tell_no_secrets(self, meters: Meters) -> None:
        with FaultSink(status(401, "sk-lf-secret is wrong")) as sink:
            exporter = LangfuseSpanExporter(**KEYS, base_url=sink.url)
            observe(exporter, meters.provider)
            exporter.export(finished(3))
            sink.wait_for_requests(1)
            found = [attributes for name in UNITS for attributes, _ in meters.points(name)]
            exporter.shutdown(0)

        for attributes in found:
            assert attributes.pop(COMPONENT_TYPE) == EXPORTER
            assert attributes.pop(COMPONENT_NAME) == f"{EXPORTER}/0"
            assert set(attributes) <= {ERROR_TYPE, CAUSE, STATE, BREAKER_STATE}
            assert set(attributes.values()) <= {
                *FAILURES,
                *(each.value for kind in (Cause, State, BreakerState) for each in kind),
            }

    @pytest.mark.parametrize("cause", Cause)
    def test_every_cause_is_in_one_metric_and_there_from_the_start(self, cause: Cause, meters: Meters) -> None:
        exporter = disabled()
        observe(exporter, meters.provider)
        before = {(name, *attributes.values()) for name in BY_CAUSE for attributes, _ in meters.points(name)}
        exporter.tally.count(cause, 7)
        counted = [(name, *a.values()) for name in BY_CAUSE for a, value in meters.points(name) if value == 7]

        assert len(counted) == 1
        assert counted[0] in before


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


class TestSeveral:
    def test_the_same_exporter_shows_once(self, meters: Meters) -> None:
        exporter = disabled()

        assert observe(exporter, meters.provider) is observe(exporter, meters.provider)
        assert meters.exporters() == [f"{EXPORTER}/0"]

    def test_two_exporters_show_side_by_side(self, meters: Meters) -> None:
        first, second = disabled(), disabled()
        observe(first, meters.provider)
        observe(second, meters.provider)
        second.export(finished(2))

        assert {
            attributes[COMPONENT_NAME]: value
            for attributes, value in meters.points(LEFT_OUT)
            if attributes[CAUSE] == "disabled"
        } == {f"{EXPORTER}/0": 0, f"{EXPORTER}/1": 2}

    def test_one_exporter_shows_through_two_providers(self, meters: Meters) -> None:
        exporter, others = disabled(), Meters()
        observe(exporter, meters.provider)
        observe(exporter, others.provider)

        assert meters.exporters() == others.exporters() == [f"{EXPORTER}/0"]
        others.provider.shutdown()


class TestEnd:
    def test_a_stopped_one_shows_no_more_and_may_be_observed_anew(self, meters: Meters) -> None:
        exporter, other = disabled(), disabled()
        telemetry = observe(exporter, meters.provider)
        observe(other, meters.provider)
        assert telemetry is not None
        telemetry.stop()
        telemetry.stop()
        assert meters.exporters() == [f"{EXPORTER}/1"]

        observe(exporter, meters.provider)
        assert sorted(meters.exporters()) == [f"{EXPORTER}/1", f"{EXPORTER}/2"]

    def test_metrics_keep_no_exporter_alive(self, meters: Meters) -> None:
        exporter = disabled()
        gone, telemetry = weakref.ref(exporter), observe(exporter, meters.provider)
        assert meters.exporters()
        del exporter
        gc.collect()

        assert gone() is None
        assert meters.exporters() == []
        assert telemetry is not None  # although whoever observed still holds the handle

    def test_no_provider_is_kept_alive(self) -> None:
        others, exporter = Meters(), disabled()
        observe(exporter, others.provider)
        gone = weakref.ref(others.provider)
        others.provider.shutdown()
        del others
        gc.collect()

        assert gone() is None


class TestFailures:
    def test_a_status_that_fails_is_one_line_and_costs_the_others_nothing(
        self, meters: Meters, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        broken, sound = disabled(), disabled()
        observe(broken, meters.provider)
        observe(sound, meters.provider)

        def fail() -> None:
            raise RuntimeError("no status for sk-lf-0123456789abcdef")

        monkeypatch.setattr(broken, "status", fail)
        collected = meters.collect()

        assert set(collected) == set(UNITS)
        assert meters.exporters() == [f"{EXPORTER}/1"]
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert "RuntimeError: no status" in record.getMessage()
        assert "0123456789abcdef" not in record.getMessage()

    def test_a_provider_that_refuses_is_one_line(self, caplog: pytest.LogCaptureFixture) -> None:
        class Refusing(AnyMeterProvider):
            def get_meter(self, *args: Any, **kwargs: Any) -> Any:
                raise TypeError("no meters here")

        provider, exporter = Refusing(), disabled()

        assert observe(exporter, provider) is None
        assert observe(exporter, provider) is None
        (record,) = caplog.records
        assert "no meters here" in record.getMessage()


def test_a_global_provider_that_is_set_later_shows_what_was_observed_before_and_after() -> None:
    code = f"""
        from opentelemetry import metrics
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from langfuse_otel.exporter import LangfuseSpanExporter
        from langfuse_otel.telemetry import observe

        exporters = [LangfuseSpanExporter(tracing_enabled=False) for _ in range(3)]
        observe(exporters[0])
        reader = InMemoryMetricReader()
        provider = MeterProvider(metric_readers=[reader])
        metrics.set_meter_provider(provider)
        observe(exporters[1])
        observe(exporters[2], provider)
        (resource,) = reader.get_metrics_data().resource_metrics
        (scope,) = resource.scope_metrics
        (inflight,) = (metric for metric in scope.metrics if metric.name == "{INFLIGHT}")
        print(len(inflight.data.data_points))
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )

    assert (ran.stdout.strip(), ran.stderr) == ("3", "")


@pytest.mark.parametrize(("setting", "shown"), [({}, True), ({"exporter_metrics": False}, False)])
def test_an_exporter_made_by_hand_shows_itself_unless_that_is_turned_off(setting: dict[str, bool], shown: bool) -> None:
    code = f"""
        from opentelemetry import metrics
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from langfuse_otel import LangfuseSpanExporter

        reader = InMemoryMetricReader()
        metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))
        exporter = LangfuseSpanExporter(public_key="pk-lf-1", secret_key="sk-lf-1", **{setting})
        print("{INFLIGHT}" in str(reader.get_metrics_data()))
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )

    assert (ran.stdout.strip(), ran.stderr) == (str(shown), "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_shows_its_own_spans_and_the_parent_keeps_its_own(meters: Meters) -> None:
    with FaultSink() as sink:
        exporter = LangfuseSpanExporter(**KEYS, base_url=sink.url)
        observe(exporter, meters.provider)
        exporter.export(finished(5))
        assert exporter.force_flush(20_000)
        here, there = multiprocessing.Pipe()
        child = os.fork()
        if child == 0:
            try:
                exporter.export(finished(2))
                exporter.force_flush(20_000)
                there.send(meters.nonzero(EXPORTED))
            finally:
                os._exit(0)
        there.close()
        assert here.poll(30)
        in_child = here.recv()
        os.waitpid(child, 0)

        assert in_child == {None: 2}
        assert meters.nonzero(EXPORTED) == {None: 5}
        exporter.shutdown(0)
