"""Prometheus reads how delivery goes: a real scrape of an application in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from langfuse_otel.cli.run import instrumented
from support.sink import FaultSink

WORK = """
    from opentelemetry import trace
    tracer = trace.get_tracer("app")
    for _ in range(3):
        tracer.start_span("answer").end()
    trace.get_tracer_provider().force_flush()
"""
IN_TWO_LINES = """
    import langfuse_otel
    from opentelemetry import metrics
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from opentelemetry.sdk.metrics import MeterProvider
    from prometheus_client import start_http_server

    metrics.set_meter_provider(MeterProvider([PrometheusMetricReader()]))
    server, _ = start_http_server(0, "127.0.0.1")

    langfuse_otel.configure(instrument=False)
"""
BY_ENVIRONMENT = """
    import gc
    from socketserver import BaseServer

    (server,) = [each for each in gc.get_objects() if isinstance(each, BaseServer)]  # OpenTelemetry started it
"""
STAY = """
    print(server.server_port, flush=True)
    input()
"""
DELIVERED = "otel_sdk_exporter_span_exported_total"


def variables(sink: FaultSink) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("LANGFUSE_", "OTEL_"))}
    return {**plain, "LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-1", "LANGFUSE_BASE_URL": sink.url}


def scrape(port: int) -> dict[str, float]:
    """Our figures without ``error_type``, by name, zeros left out."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels.get("otel_scope_name") == "langfuse_otel"
        and not sample.labels.get("error_type")
        and sample.value
    }


@pytest.mark.parametrize("by_environment", [False, True], ids=["in two lines", "by environment"])
def test_a_scrape_shows_what_was_delivered(by_environment: bool) -> None:
    set_up = BY_ENVIRONMENT if by_environment else IN_TWO_LINES
    program = "".join(textwrap.dedent(part) for part in (set_up, WORK, STAY))
    with FaultSink() as sink:
        env = variables(sink)
        if by_environment:
            metrics = {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": "0"}
            alone = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "openai"}  # the official one imports its client
            env = instrumented({**env, **metrics, **alone})
        application = subprocess.Popen(
            [sys.executable, "-c", program], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            assert application.stdout is not None
            port = int(application.stdout.readline())
            until, shown = time.monotonic() + 20, scrape(port)
            while shown.get(DELIVERED) != 3 and time.monotonic() < until:  # OpenTelemetry's processor may be behind
                shown = scrape(port)
        finally:
            application.communicate("\n", timeout=60)

    assert shown[DELIVERED] == shown["otel_sdk_processor_span_processed_total"] == 3
    assert shown["langfuse_exporter_request_count_total"] >= 1
    assert shown["langfuse_exporter_request_size_bytes_total"] > 0
    assert shown["langfuse_exporter_request_duration_seconds_total"] > 0
    assert shown["langfuse_exporter_queue_memory_limit_bytes"] == 64 * 1024 * 1024
