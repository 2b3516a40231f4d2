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
import weakref
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.metrics import MeterProvider as AnyMeterProvider
from opentelemetry.sdk.metrics.export import Sum
from opentelemetry.semconv._incubating.metrics import otel_metrics

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
from support.meters import (
    BY_CAUSE,
    COUNTERS,
    EXPORTED,
    EXPORTER,
    INFLIGHT,
    LEFT_OUT,
    UNITS,
    Meters,
)
from support.sink import FaultSink, status
from support.spans import finished

pytestmark = pytest.mark.usefixtures("unsaid")
KEYS: dict[str, Any] = {"public_key": "pk-lf-public", "secret_key": "sk-lf-secret"}

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "metrics.md"


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
            exporter.force_flush(0)
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
