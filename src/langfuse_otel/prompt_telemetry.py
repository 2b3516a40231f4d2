"""The prompt client's metrics: what ``Prompts.status()`` says, for whoever collects metrics.

The way of a ``get`` has nothing of this on it: the counts are there anyway, and are read when they are collected.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from opentelemetry import metrics

from langfuse_otel.metering import Component, Kind, Metering, Metric, Point, Shown
from langfuse_otel.prompts.status import PromptsStatus
from langfuse_otel.resilience.breaker import BreakerState

SOURCE: Final = "langfuse.prompt.source"
STORE: Final = "langfuse.prompt.store"
STATE: Final = "langfuse.prompt.breaker.state"
WITHIN: Final = "le"  # Prometheus' word for it, so that it can tell percentiles
ERROR_TYPE: Final = "error.type"
SOURCES: Final = ("memory", "disk", "redis", "network", "snapshot", "fallback")
API: Final = "api"
FAILED: Final = "failed"

_Read: TypeAlias = Callable[[PromptsStatus], Iterable[Point]]


def _figure(of: Callable[[PromptsStatus], float]) -> _Read:
    return lambda status: [(of(status), {})]


def _outcomes(succeeded: Callable[[PromptsStatus], float], failed: Callable[[PromptsStatus], float]) -> _Read:
    """As the conventions have it: a success has no ``error.type``."""
    return lambda status: [(succeeded(status), {}), (failed(status), {ERROR_TYPE: FAILED})]


def _served(status: PromptsStatus) -> Iterable[Point]:
    """A point a source, from the start and at zero, and for stores of the user's own."""
    return [(status.hits.get(source, 0), {SOURCE: source}) for source in dict.fromkeys((*SOURCES, *status.hits))]


def _requests_within(status: PromptsStatus) -> Iterable[Point]:
    return [
        (count, {WITHIN: "+Inf" if math.isinf(bound_s) else f"{bound_s:g}"})
        for bound_s, count in status.requests_within.items()
    ]


def _store_failures(status: PromptsStatus) -> Iterable[Point]:
    return [(status.store_failures.get(store, 0), {STORE: store}) for store in status.store_breakers]


def _breakers(status: PromptsStatus) -> Iterable[Point]:
    breakers = {API: status.breaker, **status.store_breakers}
    return [
        (int(state is now), {STORE: name, STATE: state.value})
        for name, now in breakers.items()
        for state in BreakerState
    ]


_METRICS: Final = (
    Metric("langfuse.prompt.served", "{prompt}", "Prompts served, by where they came from.", _served, Kind.COUNTER),
    Metric(
        "langfuse.prompt.missed",
        "{prompt}",
        "Gets for which nothing was in memory.",
        _figure(lambda status: status.misses),
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.prompt.stale",
        "{prompt}",
        "Prompts served past their time.",
        _figure(lambda status: status.stale),
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.prompt.refreshed",
        "{prompt}",
        "Prompts renewed in the background.",
        _outcomes(lambda status: status.refreshes, lambda status: status.refresh_failures),
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.prompt.request.count",
        "{request}",
        "Prompts asked for at Langfuse.",
        _outcomes(lambda status: status.requests - status.request_failures, lambda status: status.request_failures),
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.prompt.request.duration",
        "s",
        "Duration of these requests in all.",
        _figure(lambda status: status.request_s),
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.prompt.request.within",
        "{request}",
        "Those of them that were over within so many seconds.",
        _requests_within,
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.prompt.lock.waited",
        "{read}",
        "Reads that waited for another process.",
        _figure(lambda status: status.lock_waits),
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.prompt.lock.duration",
        "s",
        "How long they waited in all.",
        _figure(lambda status: status.lock_wait_s),
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.prompt.store.failed",
        "{call}",
        "Calls of a shared store that failed.",
        _store_failures,
        Kind.COUNTER,
    ),
    Metric(
        "langfuse.prompt.breaker.status",
        "1",
        "1 for the state that a circuit breaker is in, 0 for the others.",
        _breakers,
    ),
    Metric("langfuse.prompt.cache.items", "{prompt}", "Prompts in memory.", _figure(lambda status: status.items)),
    Metric("langfuse.prompt.cache.usage", "By", "What they take, about.", _figure(lambda status: status.bytes)),
)

_metering: Final = Metering("prompts", _METRICS)


def observe_prompts(
    prompts: Component[PromptsStatus], meter_provider: metrics.MeterProvider | None = None
) -> Shown[PromptsStatus] | None:
    """Show a client's figures as metrics (docs/operations/metrics.md), until it is dropped or ``stop`` is called.

    ``langfuse_otel.prompts()`` does so for the client that it makes, unless the setting ``exporter_metrics`` is off.
    See ``Metering.observe``.
    """
    return _metering.observe(prompts, meter_provider)
