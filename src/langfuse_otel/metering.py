"""Shows what something of ours says of itself as OpenTelemetry metrics: read whenever the metrics SDK collects.

Nothing is counted here and nothing is called on an application's thread. What is shown has a ``status()``; a ``Metric``
says which figures of it make which points.
"""

from __future__ import annotations

import enum
import itertools
import logging
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from opentelemetry import metrics as metrics_api

from langfuse_otel import fork, log

SCOPE: Final = "langfuse_otel"
COMPONENT_TYPE: Final = "otel.component.type"
COMPONENT_NAME: Final = "otel.component.name"

S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)

Point: TypeAlias = tuple[float, dict[str, str]]
"""A value, and the attributes that it has besides those of its component."""


class Component(Protocol[S_co]):
    """What is shown."""

    def status(self) -> S_co:
        """How things stand."""
        ...


class Kind(enum.Enum):
    """Which instrument of the meter's makes it."""

    COUNTER = "create_observable_counter"  # only rises
    UP_DOWN_COUNTER = "create_observable_up_down_counter"  # adds up over components
    GAUGE = "create_observable_gauge"  # a share or an age: does not


@dataclass(frozen=True)
class Metric(Generic[S]):
    """One metric of all components of a sort: ``read`` makes its points of a status."""

    name: str
    unit: str
    description: str
    read: Callable[[S], Iterable[Point]]
    kind: Kind = Kind.UP_DOWN_COUNTER


class Shown(Generic[S]):
    """One component seen through one meter provider. Does not keep it alive."""

    def __init__(self, component: Component[S], number: int, view: _View[S], kind: type) -> None:
        component_type = f"{kind.__module__}.{kind.__qualname__}"
        self.component = weakref.ref(component)
        self.attributes = {COMPONENT_TYPE: component_type, COMPONENT_NAME: f"{component_type}/{number}"}
        self._view = view

    def stop(self) -> None:
        """Show no more of this component. ``observe`` may begin anew; a second call has no effect."""
        self._view.forget(self)


class _View(Generic[S]):
    """What one meter provider shows: one set of instruments, whose callbacks read every component it was given.

    Not one set a component: the SDK ignores the callbacks of an instrument whose name it knows already, and never lets
    go of one. Reading takes no lock, as ``shown`` is replaced and not changed.
    """

    def __init__(self, metering: Metering[S], provider: metrics_api.MeterProvider) -> None:
        self.shown: tuple[Shown[S], ...] = ()
        self._metering = metering
        self._numbers = itertools.count()
        meter = provider.get_meter(SCOPE)
        for metric in metering.metrics:
            create = getattr(meter, metric.kind.value)
            create(metric.name, [partial(self._read, metric)], unit=metric.unit, description=metric.description)

    def show(self, component: Component[S], kind: type) -> Shown[S]:
        for known in self.shown:
            if known.component() is component:
                return known
        new = Shown(component, next(self._numbers), self, kind)
        alive = (known for known in self.shown if known.component() is not None)
        self.shown = (*alive, new)
        return new

    def forget(self, shown: Shown[S]) -> None:
        with self._metering.lock:
            self.shown = tuple(known for known in self.shown if known is not shown)

    def _read(self, metric: Metric[S], options: metrics_api.CallbackOptions) -> list[metrics_api.Observation]:
        """Called by the SDK on a thread of its own. Never raises, or the application's metrics would suffer too."""
        observations: list[metrics_api.Observation] = []
        for shown in self.shown:
            component = shown.component()
            if component is None:
                continue
            try:
                observations += [
                    metrics_api.Observation(value, {**shown.attributes, **attributes})
                    for value, attributes in metric.read(component.status())
                ]
            except Exception as error:
                message = "a metric of %s could not be read: %s: %s"
                what = self._metering.what
                log.limited(logging.WARNING, f"metering.read {what}", message, what, type(error).__name__, error)
        return observations


class Metering(Generic[S]):
    """What this process shows of one sort of component, and through which providers; keeps none of them alive.

    Args:
        what: The sort, for the log: ``the exporter``.
        metrics: Of all of them.
    """

    def __init__(self, what: str, metrics: Sequence[Metric[S]]) -> None:
        self.what = what
        self.metrics = metrics
        self.lock = threading.RLock()
        self._by_provider: weakref.WeakKeyDictionary[metrics_api.MeterProvider, _View[S]] = weakref.WeakKeyDictionary()
        self._global: _View[S] | None = None
        fork.register(self)

    def after_fork_child(self) -> None:
        """A lock of the child's own: the inherited one may be held by a thread that is not here."""
        self.lock = threading.RLock()

    def observe(
        self,
        component: Component[S],
        meter_provider: metrics_api.MeterProvider | None = None,
        *,
        shown_as: type | None = None,
    ) -> Shown[S] | None:
        """Show a component's figures until it is dropped or ``stop`` is called.

        A second call for the same component and provider changes nothing and returns what the first one returned.

        Args:
            component: Whose figures; held weakly.
            meter_provider: Where to; by default the global one, also when that is set later.
            shown_as: The class that is its type in the metrics; by default its own.

        Returns:
            The handle to stop it by; None when the provider refused our instruments, which is said in the log.
        """
        with self.lock:
            try:
                return self._view(meter_provider).show(component, shown_as or type(component))
            except Exception as error:  # a provider that is not the SDK's; the rest goes on all the same
                message = "the metrics of %s could not be set up: %s: %s"
                log.once(logging.WARNING, f"metering {error}", message, self.what, type(error).__name__, error)
                return None

    def _view(self, given: metrics_api.MeterProvider | None) -> _View[S]:
        """That of a provider; made by the first call.

        Until a global provider is set, a proxy stands for it and hands it our instruments later: they are the same.
        """
        current = metrics_api.get_meter_provider()
        provider = current if given is None else given
        view = self._by_provider.get(provider) or (self._global if provider is current else None)
        if view is None:
            view = _View(self, provider)
        if provider is current:
            self._global = view
        self._by_provider[provider] = view
        return view
