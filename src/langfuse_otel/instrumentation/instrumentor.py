"""The base of every instrumentation package: a list of hooks becomes an OpenTelemetry instrumentor."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Collection, Iterable
from functools import cache, partial
from types import ModuleType
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from opentelemetry.instrumentation.dependencies import DependencyConflictError, get_dependency_conflicts
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # untyped module
from opentelemetry.metrics import MeterProvider, get_meter
from opentelemetry.trace import get_tracer

from langfuse_otel import log
from langfuse_otel.instrumentation.call import Telemetry
from langfuse_otel.instrumentation.declare import Hook
from langfuse_otel.instrumentation.guard import guarded
from langfuse_otel.instrumentation.metrics import Metrics
from langfuse_otel.instrumentation.on_import import is_being_imported, on_import
from langfuse_otel.instrumentation.options import content_policy, settings_of
from langfuse_otel.instrumentation.self_traced import standing_in
from langfuse_otel.instrumentation.underway import counting
from langfuse_otel.instrumentation.wrap import Removable, apply, find, watch


class Instrumentor(BaseInstrumentor):  # type: ignore[misc]  # untyped base
    """Subclass with ``scope``, ``supported`` and ``hooks``; nothing of the client is imported before ``instrument()``,
    and with ``client`` nothing before the application does.

    ``instrument()`` takes, all optional: ``tracer_provider``, ``meter_provider`` (default: the global ones);
    ``capture_content``, ``stream_usage``, ``instrument_over_foreign`` (default: the settings of the same name);
    ``mask`` (see ``content.Mask``).

    Attributes:
        scope: Name of the instrumentation scope: the package's import name.
        supported: The client as requirement strings, for example ``("openai >= 1.40",)``.
        hooks: What to patch.
        client: The module whose import by the application is waited for; by default patching imports what it needs.
        requests: Functions of the client that run once for every request it sends, retries included, as targets.
        self_traced: Functions that start the client's own spans with a tracer they are given, as targets: see
            ``self_traced.py``.
    """

    scope: ClassVar[str]
    supported: ClassVar[Collection[str]]
    hooks: ClassVar[Iterable[Hook]]
    client: ClassVar[str | None] = None
    requests: ClassVar[Iterable[str]] = ()
    self_traced: ClassVar[Iterable[str]] = ()

    _patches: tuple[Removable, ...] = ()
    _started = False
    _stop_listening: Callable[[], None] | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """The supported versions of the client."""
        return self.supported

    def _instrument(self, **kwargs: Any) -> None:
        """Patch the client, at once or when it is imported.

        Raises:
            DependencyConflictError: The client is missing or not supported. ``opentelemetry-instrument`` skips our
                own check (``skip_dep_check``) and takes this error as "leave it out"; any other would stop all the
                instrumentations after ours.
        """
        conflict = get_dependency_conflicts(self.supported)
        if conflict is not None:
            raise DependencyConflictError(conflict)
        settings = settings_of(kwargs)
        telemetry = Telemetry(
            tracer=get_tracer(self.scope, tracer_provider=kwargs.get("tracer_provider")),
            metrics=_metrics(self.scope, kwargs.get("meter_provider")),
            content=content_policy(settings, kwargs.get("mask")),
            stream_usage=settings.stream_usage,
        )

        start = partial(self._start, telemetry, over_foreign=settings.instrument_over_foreign)
        self._restart_when_imported(start)
        if self.client is None or self.client in sys.modules:
            start()
            self._started = True

    def _restart_when_imported(self, start: Callable[[], None]) -> None:
        """Patch when the client is imported, and anew when it, or what was patched of it, is imported again."""

        def imported(module: ModuleType) -> None:
            if module.__name__ == client or (self._started and not is_being_imported(client)):
                self._stop_if_started()
                start()
                self._started = True

        client = self.client or ""
        patched = (*(hook.target for hook in self.hooks), *self.requests, *self.self_traced)
        self._stop_listening = on_import({client, *(target.partition(":")[0] for target in patched)}, imported)

    def _start(self, telemetry: Telemetry, *, over_foreign: bool) -> None:
        """Patch the hooks. Clients that have callbacks override this; what they keep in ``_patches`` is taken back."""
        if not any(find(hook.target) for hook in self.hooks):
            log.once(
                logging.WARNING,
                f"nothing {self.scope}",
                "%s found none of its targets in %s",
                self.scope,
                self.supported,
            )
        patching = partial(apply, telemetry=telemetry, over_foreign=over_foreign)
        applied = (guarded(f"patching {hook.target}", patching, hook) for hook in self.hooks)
        watchers = ((counting, self.requests), (standing_in, self.self_traced))
        watching = (watch(target, wrapper) for wrapper, targets in watchers for target in targets)
        self._patches = tuple(patch for patch in (*applied, *watching) if patch is not None)

    def _uninstrument(self, **kwargs: Any) -> None:
        """Leave the client as it was."""
        if self._stop_listening is not None:
            self._stop_listening()
        self._stop_if_started()

    def _stop_if_started(self) -> None:
        if self._started:
            self._started = False
            self._stop()

    def _stop(self) -> None:
        """Take every patch back."""
        for patch in reversed(self._patches):
            patch.remove()
        self._patches = ()


def _metrics(scope: str, provider: MeterProvider | None) -> Metrics:
    """Made once: OpenTelemetry keeps every meter and instrument that it gives out."""
    if provider is None:
        return _global_metrics(scope)
    of_provider = _metrics_by_provider.setdefault(provider, {})
    if scope not in of_provider:
        of_provider[scope] = Metrics(get_meter(scope, meter_provider=provider))
    return of_provider[scope]


_metrics_by_provider: WeakKeyDictionary[MeterProvider, dict[str, Metrics]] = WeakKeyDictionary()


@cache
def _global_metrics(scope: str) -> Metrics:
    return Metrics(get_meter(scope))
