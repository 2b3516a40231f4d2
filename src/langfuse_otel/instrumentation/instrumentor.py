"""The base of every instrumentation package: a list of hooks becomes an OpenTelemetry instrumentor."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from functools import partial
from typing import Any, ClassVar

from opentelemetry.instrumentation.dependencies import DependencyConflictError, get_dependency_conflicts
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # untyped module
from opentelemetry.metrics import get_meter
from opentelemetry.trace import get_tracer

from langfuse_otel import log
from langfuse_otel.errors import SettingsError
from langfuse_otel.instrumentation.call import Telemetry
from langfuse_otel.instrumentation.content import ContentPolicy
from langfuse_otel.instrumentation.declare import Hook
from langfuse_otel.instrumentation.guard import guarded
from langfuse_otel.instrumentation.metrics import Metrics
from langfuse_otel.instrumentation.wrap import Patch, apply, find
from langfuse_otel.setting_values import ContentCapture
from langfuse_otel.settings import Settings, load


class Instrumentor(BaseInstrumentor):  # type: ignore[misc]  # untyped base
    """Subclass with the three class attributes; nothing of the client is imported before ``instrument()``.

    ``instrument()`` takes, all optional: ``tracer_provider``, ``meter_provider`` (default: the global ones);
    ``capture_content``, ``stream_usage``, ``instrument_over_foreign`` (default: the settings of the same name);
    ``mask`` (see ``content.Mask``).

    Attributes:
        scope: Name of the instrumentation scope: the package's import name.
        supported: The client as requirement strings, for example ``("openai >= 1.40",)``.
        hooks: What to patch.
    """

    scope: ClassVar[str]
    supported: ClassVar[Collection[str]]
    hooks: ClassVar[Iterable[Hook]]

    _patches: tuple[Patch, ...] = ()

    def instrumentation_dependencies(self) -> Collection[str]:
        """The supported versions of the client."""
        return self.supported

    def _instrument(self, **kwargs: Any) -> None:
        """Patch the client.

        Raises:
            DependencyConflictError: The client is missing or not supported. ``opentelemetry-instrument`` skips our
                own check (``skip_dep_check``) and takes this error as "leave it out"; any other would stop all the
                instrumentations after ours.
        """
        conflict = get_dependency_conflicts(self.supported)
        if conflict is not None:
            raise DependencyConflictError(conflict)
        settings = _settings(kwargs)
        telemetry = Telemetry(
            tracer=get_tracer(self.scope, tracer_provider=kwargs.get("tracer_provider")),
            metrics=Metrics(get_meter(self.scope, meter_provider=kwargs.get("meter_provider"))),
            content=ContentPolicy(_captures(settings.capture_content), kwargs.get("mask")),
            stream_usage=settings.stream_usage,
        )
        if not any(find(hook.target) for hook in self.hooks):
            log.once(
                logging.WARNING,
                f"nothing {self.scope}",
                "%s found none of its targets in %s",
                self.scope,
                self.supported,
            )
        patching = partial(apply, telemetry=telemetry, over_foreign=settings.instrument_over_foreign)
        applied = (guarded(f"patching {hook.target}", patching, hook) for hook in self.hooks)
        self._patches = tuple(patch for patch in applied if patch is not None)

    def _uninstrument(self, **kwargs: Any) -> None:
        """Take every patch back."""
        for patch in reversed(self._patches):
            patch.remove()
        self._patches = ()


def _settings(arguments: dict[str, Any]) -> Settings:
    """The settings; when the environment is malformed, their defaults without content, which may have been unwanted.

    Instrumenting must not fail for that. Silent where the exporter has said the same.
    """
    names = ("capture_content", "stream_usage", "instrument_over_foreign")
    try:
        return load(**{name: arguments.get(name) for name in names})
    except SettingsError as error:
        message = "Instrumentation uses default settings and records no message content: %s"
        log.once(logging.ERROR, f"settings:{error}", message, error)
        return load({}, capture_content=ContentCapture.NO_CONTENT)


def _captures(capture: ContentCapture) -> bool:
    if capture is ContentCapture.EVENT_ONLY or capture is ContentCapture.SPAN_AND_EVENT:
        log.once(
            logging.WARNING,
            "content events",
            "Instrumentation records message content on spans only, not in events; %s gives content %s",
            capture.value,
            "on spans" if capture.on_spans else "nowhere",
        )
    return capture.on_spans
