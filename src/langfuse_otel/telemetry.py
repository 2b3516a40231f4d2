"""The exporter's own metrics: what ``status()`` says, read by OpenTelemetry's metrics SDK whenever that collects.

Nothing is counted here and nothing added to the way of a span. Names are those of the conventions for SDK metrics
(https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics) where they have one, and ``langfuse.exporter.*`` else.
For them the queue stands between processor and exporter: a span is processed once the queue took it, in flight from
then on, and exported once its fate is settled, however often it was sent.
"""

from __future__ import annotations

import itertools
import logging
import threading
import weakref
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from opentelemetry import metrics

from langfuse_otel import fork, log
from langfuse_otel.delivery.status import State, Status
from langfuse_otel.tally import Cause

if TYPE_CHECKING:
    from langfuse_otel.exporter import LangfuseSpanExporter

SCOPE: Final = "langfuse_otel"
COMPONENT_TYPE: Final = "otel.component.type"
COMPONENT_NAME: Final = "otel.component.name"
ERROR_TYPE: Final = "error.type"
CAUSE: Final = "langfuse.exporter.cause"
STATE: Final = "langfuse.exporter.state"

_Point = tuple[int, dict[str, str]]
_Read = Callable[[Status], Iterable[_Point]]


class _Metric(NamedTuple):
    name: str
    unit: str
    description: str
    read: _Read
    only_rises: bool = False


def _figure(of: Callable[[Status], int]) -> _Read:
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


def _states(status: Status) -> Iterable[_Point]:
    return [(int(state is status.state), {STATE: state.value}) for state in State]


_METRICS: Final = (
    _Metric(
        "otel.sdk.processor.span.processed",
        "{span}",
        "Spans that the queue took, or had no room for.",
        _outcomes(Cause.ACCEPTED, Cause.QUEUE_FULL),
        only_rises=True,
    ),
    _Metric(
        "otel.sdk.processor.span.queue.capacity",
        "{span}",
        "How many spans may wait.",
        _figure(lambda status: status.max_spans),
    ),
    _Metric(
        "otel.sdk.exporter.span.inflight",
        "{span}",
        "Spans accepted and not settled: those that wait and those in the request under way.",
        _figure(lambda status: status.pending_spans),
    ),
    _Metric(
        "otel.sdk.exporter.span.exported",
        "{span}",
        "Spans that the server has, or that are lost for good.",
        _outcomes(Cause.DELIVERED, Cause.REFUSED, Cause.MALFORMED, Cause.SHUTDOWN),
        only_rises=True,
    ),
    _Metric(
        "langfuse.exporter.span.left_out",
        "{span}",
        "Spans that were not to be sent.",
        _counts(CAUSE, Cause.LEFT_OUT, Cause.SAMPLED, Cause.DISABLED),
        only_rises=True,
    ),
    _Metric(
        "langfuse.exporter.span.altered",
        "{span}",
        "Spans that were cut to fit a limit, or masked whole because the mask failed.",
        _counts(CAUSE, Cause.TRUNCATED, Cause.MASK_FAILED),
        only_rises=True,
    ),
    _Metric(
        "langfuse.exporter.batch.retried",
        "{batch}",
        "Batches that were sent again.",
        _count(Cause.RETRIED),
        only_rises=True,
    ),
    _Metric(
        "langfuse.exporter.batch.split",
        "{batch}",
        "Batches that were halved, as the server refused them whole.",
        _count(Cause.SPLIT),
        only_rises=True,
    ),
    _Metric(
        "langfuse.exporter.media.uploaded",
        "{medium}",
        "Images, sound and files that the server has, or has not although an observation refers to them.",
        _outcomes(Cause.MEDIA_UPLOADED, Cause.MEDIA_LOST),
        only_rises=True,
    ),
    _Metric(
        "langfuse.exporter.queue.memory.usage",
        "By",
        "What the spans that wait hold, about.",
        _figure(lambda status: status.pending_bytes),
    ),
    _Metric(
        "langfuse.exporter.queue.memory.limit",
        "By",
        "How much they may hold.",
        _figure(lambda status: status.max_bytes),
    ),
    _Metric(
        "langfuse.exporter.status",
        "1",
        "1 for the state that delivery is in, 0 for the others.",
        _states,
    ),
)


class Telemetry:
    """One exporter seen through one meter provider. Does not keep the exporter alive."""

    def __init__(self, exporter: LangfuseSpanExporter, number: int, observed: _Observed) -> None:
        kind = type(exporter)
        component_type = f"{kind.__module__}.{kind.__qualname__}"
        self.exporter = weakref.ref(exporter)
        self.attributes = {COMPONENT_TYPE: component_type, COMPONENT_NAME: f"{component_type}/{number}"}
        self._observed = observed

    def stop(self) -> None:
        """Show no more of this exporter. ``observe`` may begin anew; a second call has no effect."""
        with _process.lock:
            self._observed.forget(self)


class _Observed:
    """What one meter provider shows: one set of instruments, whose callbacks read every exporter it was given.

    Not one set an exporter: the SDK ignores the callbacks of an instrument whose name it knows already, and never lets
    go of one. Reading takes no lock, as ``telemetries`` is replaced and not changed.
    """

    def __init__(self, provider: metrics.MeterProvider) -> None:
        self.telemetries: tuple[Telemetry, ...] = ()
        self._numbers = itertools.count()
        meter = provider.get_meter(SCOPE)
        for metric in _METRICS:
            create = meter.create_observable_counter if metric.only_rises else meter.create_observable_up_down_counter
            create(metric.name, [partial(self._read, metric)], unit=metric.unit, description=metric.description)

    def show(self, exporter: LangfuseSpanExporter) -> Telemetry:
        for known in self.telemetries:
            if known.exporter() is exporter:
                return known
        telemetry = Telemetry(exporter, next(self._numbers), self)
        alive = (known for known in self.telemetries if known.exporter() is not None)
        self.telemetries = (*alive, telemetry)
        return telemetry

    def forget(self, telemetry: Telemetry) -> None:
        self.telemetries = tuple(known for known in self.telemetries if known is not telemetry)

    def _read(self, metric: _Metric, options: metrics.CallbackOptions) -> list[metrics.Observation]:
        """Called by the SDK on a thread of its own. Never raises, or the application's metrics would suffer too."""
        observations: list[metrics.Observation] = []
        for telemetry in self.telemetries:
            exporter = telemetry.exporter()
            if exporter is None:
                continue
            try:
                observations += [
                    metrics.Observation(value, {**telemetry.attributes, **attributes})
                    for value, attributes in metric.read(exporter.status())
                ]
            except Exception as error:
                message = "a metric of the exporter could not be read: %s: %s"
                log.limited(logging.WARNING, "telemetry.read", message, type(error).__name__, error)
        return observations


def observe(exporter: LangfuseSpanExporter, meter_provider: metrics.MeterProvider | None = None) -> Telemetry | None:
    """Show an exporter's figures as metrics (docs/operations/metrics.md), until it is dropped or ``stop`` is called.

    A shut-down exporter stays visible, so that what its end has cost can still be collected. A second call for the same
    exporter and provider changes nothing and returns what the first one returned.

    Args:
        exporter: Whose figures; held weakly.
        meter_provider: Where to; by default the global one, also when that is set later.

    Returns:
        The handle to stop it by; None when the provider refused our instruments, which is said in the log.
    """
    with _process.lock:
        try:
            return _process.observed(meter_provider).show(exporter)
        except Exception as error:  # a provider that is not the SDK's; spans are delivered all the same
            message = "the exporter's metrics could not be set up: %s: %s"
            log.once(logging.WARNING, f"telemetry {error}", message, type(error).__name__, error)
            return None


class _Process:
    """What this process shows, and through which providers; keeps none of them alive."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._by_provider: weakref.WeakKeyDictionary[metrics.MeterProvider, _Observed] = weakref.WeakKeyDictionary()
        self._global: _Observed | None = None
        fork.register(self)

    def after_fork_child(self) -> None:
        """A lock of the child's own: the inherited one may be held by a thread that is not here."""
        self.lock = threading.RLock()

    def observed(self, given: metrics.MeterProvider | None) -> _Observed:
        """That of a provider; made by the first call.

        Until a global provider is set, a proxy stands for it and hands it our instruments later: they are the same.
        """
        current = metrics.get_meter_provider()
        provider = current if given is None else given
        observed = self._by_provider.get(provider) or (self._global if provider is current else None)
        if observed is None:
            observed = _Observed(provider)
        if provider is current:
            self._global = observed
        self._by_provider[provider] = observed
        return observed


_process = _Process()
