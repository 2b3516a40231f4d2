"""Metrics by the conventions."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import INVALID_SPAN_CONTEXT

from langfuse_otel.instrumentation import metrics


def test_the_conventions_buckets() -> None:
    assert (
        pytest.approx((0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92))
        == metrics.DURATION_BUCKETS_S
    )
    assert metrics.TOKEN_BUCKETS[-1] == 67108864


def test_a_failed_call_counts_with_its_error(recording: Any, client: Any) -> None:
    with pytest.raises(ValueError, match="no"):
        client.say("fail")
    point = recording.metrics()["gen_ai.client.operation.duration"][0]
    assert point.attributes["error.type"] == "ValueError"
    assert point.attributes["server.address"] == "echo.test"


def test_chunks_of_a_stream_are_timed(recording: Any, client: Any) -> None:
    list(client.spell("hello"))
    recorded = recording.metrics()
    assert recorded["gen_ai.client.operation.time_to_first_chunk"][0].count == 1
    assert recorded["gen_ai.client.operation.time_per_output_chunk"][0].count == 4


def test_a_measurement_leads_to_its_span(recording: Any, client: Any) -> None:
    client.say("hello")
    (exemplar,) = recording.metrics()["gen_ai.client.operation.duration"][0].exemplars
    assert exemplar.span_id == recording.span.context.span_id


@pytest.mark.parametrize(
    ("operation", "subject", "metric"),
    [
        ("execute_tool", "gen_ai.tool.name", "gen_ai.execute_tool.duration"),
        ("invoke_agent", "gen_ai.agent.name", "gen_ai.invoke_agent.duration"),
    ],
)
def test_tools_and_agents_have_metrics_of_their_own(operation: str, subject: str, metric: str) -> None:
    reader = InMemoryMetricReader()
    recorder = metrics.Metrics(MeterProvider(metric_readers=[reader]).get_meter("t"))
    said = {"gen_ai.operation.name": operation, subject: "ada", "gen_ai.request.model": "m", "error.type": "_OTHER"}
    recorder.record_step(said, INVALID_SPAN_CONTEXT, 0.2)
    recorder.record_step({"gen_ai.operation.name": "plan"}, INVALID_SPAN_CONTEXT, 0.2)

    data = reader.get_metrics_data()
    assert data is not None
    (scope,) = data.resource_metrics[0].scope_metrics
    (found,) = scope.metrics
    (point,) = found.data.data_points
    assert (found.name, found.unit, dict(point.attributes or {})) == (
        metric,
        "s",
        {subject: "ada", "error.type": "_OTHER"},
    )
