"""The exporter: options, what it does without keys, OpenTelemetry's contract."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import textwrap
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult

from langfuse_otel import log
from langfuse_otel.delivery.status import State
from langfuse_otel.errors import SettingsError
from langfuse_otel.exporter import LangfuseSpanExporter
from langfuse_otel.tally import Cause
from support.sink import FaultSink, hang
from support.spans import finished, span_ids

KEYS = {"public_key": "pk-lf-1", "secret_key": "sk-lf-secret"}


@pytest.fixture(autouse=True)
def unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is logged once a process is logged once a test."""
    monkeypatch.setattr(log, "_once", log.RateLimit(float("inf")))


def test_export_is_a_success_as_soon_as_the_spans_are_accepted() -> None:
    with FaultSink(hang) as sink:
        exporter = LangfuseSpanExporter(**KEYS, base_url=sink.url)

        assert exporter.export(finished(10)) is SpanExportResult.SUCCESS
        assert exporter.status().pending_spans == 10
        exporter.shutdown(0)


def test_spans_that_find_no_room_are_a_failure() -> None:
    with FaultSink(hang) as sink:
        exporter = LangfuseSpanExporter(**KEYS, base_url=sink.url, max_queue_spans=5)

        assert exporter.export(finished(10)) is SpanExportResult.FAILURE
        assert exporter.status().counts == {"accepted": 5, "queue_full": 5}
        exporter.shutdown(0)


def test_options_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultSink() as sink:
        monkeypatch.setenv("LANGFUSE_BASE_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk-lf-1")
        monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-lf-1")
        exporter = LangfuseSpanExporter(base_url=sink.url)
        spans = finished(1)
        exporter.export(spans)

        assert exporter.force_flush(10_000)
        assert sink.delivered.keys() == span_ids(spans)
        exporter.shutdown()


def test_an_unknown_option_is_an_error_that_names_it() -> None:
    with pytest.raises(SettingsError, match="host_name"):
        LangfuseSpanExporter(host_name="x")


def test_a_malformed_option_is_an_error_that_names_it() -> None:
    with pytest.raises(SettingsError, match="timeout_s"):
        LangfuseSpanExporter(timeout_s="soon")


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({}, "LANGFUSE_PUBLIC_KEY"),
        ({"LANGFUSE_PUBLIC_KEY": "pk-lf-1"}, "LANGFUSE_SECRET_KEY"),
        ({"LANGFUSE_SECRET_KEY": "sk-lf-1"}, "LANGFUSE_PUBLIC_KEY"),
        ({**{f"LANGFUSE_{n.upper()}": v for n, v in KEYS.items()}, "LANGFUSE_TIMEOUT": "soon"}, "LANGFUSE_TIMEOUT"),
    ],
    ids=["no keys", "half", "other half", "malformed"],
)
def test_a_wrong_environment_is_one_line_and_spans_are_counted(
    env: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    exporter = LangfuseSpanExporter()

    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert named in record.getMessage()
    assert "sk-lf-secret" not in record.getMessage()
    assert exporter.export(finished(3)) is SpanExportResult.SUCCESS
    assert exporter.force_flush()
    exporter.shutdown()
    assert exporter.status().state is State.DISABLED
    assert exporter.status().counts == {"disabled": 3}


def test_tracing_that_is_switched_off_sends_nothing_and_says_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LANGFUSE_TRACING_ENABLED", "false")
    exporter = LangfuseSpanExporter()
    exporter.export(finished(3))

    assert exporter.status().counts == {"disabled": 3}
    assert caplog.records == []


def test_the_sample_rate_takes_or_leaves_whole_traces_and_counts_those_left() -> None:
    with FaultSink() as sink:
        exporters = [
            LangfuseSpanExporter(**KEYS, base_url=sink.url, sample_rate=rate, release=release)  # each counts for itself
            for rate, release in ((0.0, "1"), (0.5, "1"), (0.5, "2"), (1.0, "1"))
        ]
        spans = finished(200)
        for exporter in exporters:
            exporter.export(spans)
        sampled = [exporter.status().counts.get("sampled", 0) for exporter in exporters]
        for exporter in exporters:
            exporter.shutdown(0)

    assert sampled[0] == 200
    assert sampled[3] == 0
    assert 0 < sampled[1] < 200
    assert sampled[1] == sampled[2]  # decided by the trace's id


def attributes_sent(sink: FaultSink) -> list[dict[str, Any]]:
    """Of each span in the sink's last OTLP request."""
    (resource,) = json.loads(sink.requests[-1].body)["resourceSpans"]
    return [
        {attribute["key"]: next(iter(attribute["value"].values())) for attribute in span["attributes"]}
        for span in resource["scopeSpans"][0]["spans"]
    ]


@pytest.mark.parametrize(
    ("own", "expected"),
    [({}, ("staging", "v1")), ({"langfuse.environment": "mine", "langfuse.release": "v9"}, ("mine", "v9"))],
)
def test_environment_and_release_of_the_settings_stand_on_spans_that_have_none(
    own: dict[str, str], expected: tuple[str, str]
) -> None:
    with FaultSink() as sink:
        exporter = LangfuseSpanExporter(**KEYS, base_url=sink.url, wire="otlp", environment="staging", release="v1")
        provider = TracerProvider(
            resource=Resource({"deployment.environment.name": "from-otel"}), shutdown_on_exit=False
        )
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        provider.get_tracer("tests").start_span("x", attributes=own).end()
        exporter.force_flush(10_000)

        (sent,) = attributes_sent(sink)
        assert (sent["langfuse.environment"], sent["langfuse.release"]) == expected
        provider.shutdown()


def test_shutdown_is_bounded_by_the_exit_budget_and_not_by_opentelemetrys_30_seconds() -> None:
    with FaultSink(hang) as sink:
        exporter = LangfuseSpanExporter(**KEYS, base_url=sink.url, shutdown_timeout_s=0.1, timeout_s=3_000)
        exporter.export(finished(1))
        exporter.shutdown(timeout_millis=3_000_000)

        assert exporter.status().state is State.CLOSED
        counts = dict(exporter.status().counts)
        counts.pop("retried", None)  # where the request is given up a moment before the exporter is
        assert counts == {"accepted": 1, "shutdown": 1}


class TestSeveralWithTheSameSettings:
    """They share a pipeline, and each ends for itself."""

    def test_one_request_takes_the_spans_of_all(self) -> None:
        with FaultSink() as sink:
            exporters = [LangfuseSpanExporter(**KEYS, base_url=sink.url, wire="otlp") for _ in range(3)]
            for exporter in exporters:
                exporter.export(finished())
            assert exporters[0].force_flush()

            assert [len(request.span_ids) for request in sink.requests] == [3]
            assert exporters[2].status().counts == {"accepted": 3, "delivered": 3}
            for exporter in exporters:
                exporter.shutdown()

    def test_another_host_is_another_pipeline(self) -> None:
        with FaultSink() as sink, FaultSink() as other_sink:
            one, other = (LangfuseSpanExporter(**KEYS, base_url=each.url) for each in (sink, other_sink))
            one.export(finished(2))
            other.export(finished(3))
            one.shutdown()
            other.shutdown()

            assert (len(sink.delivered), len(other_sink.delivered)) == (2, 3)

    @pytest.mark.parametrize(
        "function",
        [
            {"select": lambda span: True},
            {"price": lambda observation: None},
            {"on_error": print},
            {"on_pressure": print},
            {"on_breaker": print},
            {"mask": lambda data: data},
        ],
        ids=lambda function: next(iter(function)),
    )
    def test_one_with_a_function_of_the_application_has_its_own(self, function: dict[str, Any]) -> None:
        exporters = [LangfuseSpanExporter(**KEYS, **function) for _ in range(2)]

        assert exporters[0].tally is not exporters[1].tally

    def test_the_shutdown_of_one_delivers_and_leaves_the_others_at_work(self) -> None:
        with FaultSink() as sink:
            one, other = (LangfuseSpanExporter(**KEYS, base_url=sink.url) for _ in range(2))
            one.export(finished(2))
            one.shutdown()
            assert len(sink.delivered) == 2
            assert one.export(finished()) is SpanExportResult.FAILURE
            assert one.accept(finished()[0]) is Cause.SHUTDOWN
            assert (one.status().state, other.status().state) == (State.CLOSED, State.DELIVERING)

            assert other.export(finished()) is SpanExportResult.SUCCESS
            other.shutdown()
            assert len(sink.delivered) == 3
            assert other.status().state is State.CLOSED

    def test_they_show_once_in_the_metrics(self) -> None:
        code = """
            from opentelemetry import metrics
            from opentelemetry.sdk.metrics import MeterProvider
            from opentelemetry.sdk.metrics.export import InMemoryMetricReader
            from langfuse_otel import LangfuseSpanExporter

            reader = InMemoryMetricReader()
            metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))
            exporters = [LangfuseSpanExporter(public_key="pk-lf-1", secret_key="sk-lf-1") for _ in range(3)]
            text = str(reader.get_metrics_data())
            print("LangfuseSpanExporter/0" in text, "LangfuseSpanExporter/1" in text)
        """
        ran = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
        )

        assert (ran.stdout.strip(), ran.stderr) == ("True False", "")
