"""The exporter's own metrics, as OpenTelemetry's metrics SDK collects them."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import Gauge, InMemoryMetricReader, Metric, Sum

from langfuse_otel.metering import COMPONENT_NAME
from langfuse_otel.telemetry import ERROR_TYPE

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


class Collector:
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


class Meters(Collector):
    """What it collects of exporters."""

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
