"""The exporter's own metrics: what ``status()`` says, read by OpenTelemetry's metrics SDK whenever that collects.

Nothing is counted here and nothing added to the way of a span. Names are those of the conventions for SDK metrics
(https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics) where they have one, and ``langfuse.exporter.*`` else.
For them the queue stands between processor and exporter: a span is processed once the queue took it, in flight from
then on, and exported once its fate is settled, however often it was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from opentelemetry import metrics

from langfuse_otel.delivery.status import State, Status
from langfuse_otel.delivery.traffic import ACCEPTED, FAILURES, Requests
from langfuse_otel.metering import Component, Kind, Metering, Metric, Point, Shown
from langfuse_otel.resilience.breaker import BreakerState
from langfuse_otel.tally import Cause

ERROR_TYPE: Final = "error.type"
CAUSE: Final = "langfuse.exporter.cause"
STATE: Final = "langfuse.exporter.state"
BREAKER_STATE: Final = "langfuse.exporter.breaker.state"

_Read: TypeAlias = Callable[[Status], Iterable[Point]]


def _figure(of: Callable[[Status], float]) -> _Read:
    return lambda status: [(of(status), {})]


def _count(cause: Cause) -> _Read:
    return lambda status: [(status.counts.get(cause.value, 0), {})]


def _counts(attribute: str, *causes: Cause) -> _Read:
    """A point a cause, from the start and at zero: a rate over a series that begins with its first loss misses it."""
    return lambda status: [(status.counts.get(cause.value, 0), {attribute: cause.value}) for cause in causes]


def _outcomes(success: Cause, *failures: Cause) -> _Read:
    """As the conventions have it: a success has no ``error.type``."""
    succeeded, failed = _count(success), _counts(ERROR_TYPE, *failures)
    return lambda status: [*succeeded(status), *failed(status)]


def _requests(figure: Callable[[Requests], float]) -> _Read:
    """A point an outcome, from the start and at zero."""
    outcomes = ((ACCEPTED, {}), *((outcome, {ERROR_TYPE: outcome}) for outcome in FAILURES))
    never = Requests()
    return lambda status: [(figure(status.requests.get(outcome, never)), {**own}) for outcome, own in outcomes]


def _states(status: Status) -> Iterable[Point]:
    return [(int(state is status.state), {STATE: state.value}) for state in State]


def _breaker_states(status: Status) -> Iterable[Point]:
    return [(int(state is status.breaker), {BREAKER_STATE: state.value}) for state in BreakerState]


_METRICS: Final = (
    Metric(
        "otel.sdk.processor.span.processed",
        "{span}",
        "Spans that the queue took, or had no room for.",
        _outcomes(Cause.ACCEPTED, Cause.QUEUE_FULL),
        Kind.COUNTER,
    ),
    Metric(
        "otel.sdk.processor.span.queue.size",
        "{span}",
        "Spans that wait in memory.",
        _figure(lambda status: status.waiting_spans),
    ),
    Metric(
        "otel.sdk.processor.span.queue.capacity",
        "{span}",
        "How many may wait there.",
        _figure(lambda status: status.max_spans),
    ),
    Metric(
        "otel.sdk.exporter.span.inflight",
        "{span}",
        "Spans accepted and not settled: those that wait and those in the requests under way.",
        _figure(lambda status: status.pending_spans),
    ),
    Metric(
        "otel.sdk.exporter.span.exported",
        "{span}",
        "Spans that the server has, or that are lost for good.",
        _outcomes(
            Cause.DELIVERED,
            Cause.REFUSED,
            Cause.MALFORMED,
            Cause.DROPPED_OLDEST,
            Cause.EXPIRED,
            Cause.DAMAGED,
            Cause.SHUTDOWN,
        ),
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.exporter.span.left_out",
        "{span}",
        "Spans that were not to be sent, or had not ended when the process did.",
        _counts(CAUSE, Cause.LEFT_OUT, Cause.SAMPLED, Cause.DISABLED, Cause.UNFINISHED),
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.exporter.span.altered",
        "{span}",
        "Spans that were cut to fit a limit, or masked whole because the mask failed.",
        _counts(CAUSE, Cause.TRUNCATED, Cause.MASK_FAILED),
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.exporter.batch.retried",
        "{batch}",
        "Batches that were sent again.",
        _count(Cause.RETRIED),
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.exporter.batch.split",
        "{batch}",
        "Batches that were halved, as the server refused them whole.",
        _count(Cause.SPLIT),
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.exporter.media.uploaded",
        "{medium}",
        "Images, sound and files that the server has, or has not although an observation refers to them.",
        _outcomes(Cause.MEDIA_UPLOADED, Cause.MEDIA_LOST),
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.exporter.queue.memory.usage",
        "By",
        "What the spans that wait in memory or are under way hold, about.",
        _figure(lambda status: status.pending_bytes),
    ),
    Metric(
        "langfuse.exporter.queue.memory.limit",
        "By",
        "How much they may hold.",
        _figure(lambda status: status.max_bytes),
    ),
    Metric(
        "langfuse.exporter.queue.utilization",
        "1",
        "Share of the queue, in memory or on disk, in use.",
        _figure(lambda status: status.utilisation),
        Kind.GAUGE,
    ),
    Metric(
        "langfuse.exporter.queue.pressure",
        "1",
        "1 while the queue is under pressure, else 0.",
        _figure(lambda status: int(status.is_under_pressure)),
    ),
    Metric(
        "langfuse.exporter.queue.sample_rate",
        "1",
        "Share of new traces that is kept because of that.",
        _figure(lambda status: status.sample_rate),
        Kind.GAUGE,
    ),
    Metric(
        "langfuse.exporter.spool.spans",
        "{span}",
        "Spans on disk that are not settled, those that other processes left included.",
        _figure(lambda status: status.spooled_spans),
    ),
    Metric(
        "langfuse.exporter.spool.usage",
        "By",
        "What they take on the disk, about.",
        _figure(lambda status: status.spooled_bytes),
    ),
    Metric(
        "langfuse.exporter.spool.oldest_age",
        "s",
        "How long the oldest of them has been waiting; 0 when none does.",
        _figure(lambda status: status.oldest_s or 0.0),
        Kind.GAUGE,
    ),
    Metric(
        "langfuse.exporter.request.count",
        "{request}",
        "Requests to the server.",
        _requests(lambda requests: requests.count),
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.exporter.request.size",
        "By",
        "Payload of these requests in all, before compression.",
        _requests(lambda requests: requests.size_bytes),
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.exporter.request.duration",
        "s",
        "Duration of these requests in all.",
        _requests(lambda requests: requests.duration_s),
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.exporter.breaker.status",
        "1",
        "1 for the state that the circuit breaker is in, 0 for the others.",
        _breaker_states,
    ),
    Metric(
        "langfuse.exporter.status",
        "1",
        "1 for the state that delivery is in, 0 for the others.",
        _states,
    ),
)

_metering: Final = Metering("the exporter", _METRICS)


def observe(
    exporter: Component[Status],
    meter_provider: metrics.MeterProvider | None = None,
    *,
    shown_as: type | None = None,
) -> Shown[Status] | None:
    """Show an exporter's figures as metrics (docs/operations/metrics.md), until it is dropped or ``stop`` is called.

    An exporter does so for itself with the global provider, unless the setting ``exporter_metrics`` is off. A shut-down
    exporter stays visible, so that what its end has cost can still be collected. See ``Metering.observe``.
    """
    return _metering.observe(exporter, meter_provider, shown_as=shown_as)
