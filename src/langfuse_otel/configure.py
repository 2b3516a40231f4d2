"""The only place where the parts are put together: settings → exporter → processor on a provider → instrumentations.

Light to import, because ``import langfuse_otel`` imports it: what is heavy is imported by the first call.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from opentelemetry import trace

from langfuse_otel import fork, log
from langfuse_otel.errors import SettingsError
from langfuse_otel.settings import Settings, load

if TYPE_CHECKING:
    from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # untyped module
    from opentelemetry.sdk.trace import TracerProvider

    from langfuse_otel.delivery.status import Status
    from langfuse_otel.exporter import LangfuseSpanExporter
    from langfuse_otel.policy.prices import Price
    from langfuse_otel.prompts.client import Prompts
    from langfuse_otel.selection import Select

SEE_DOCTOR = "The application runs on, untraced; `langfuse-otel doctor` finds the cause"
"""How a line in the log ends that reports a failed set-up."""

_GROUP = "opentelemetry_instrumentor"
_OURS = "langfuse_"  # three other projects register plain `openai`, and OpenTelemetry loads them all
_INSTRUMENTOR_SETTINGS = ("capture_content", "stream_usage", "instrument_over_foreign")

_Project: TypeAlias = tuple[str | None, str]
"""Public key and address: what makes two calls mean the same."""


class Tracing:
    """What is set up on one provider: to wait for delivery, to end it, to see how it goes."""

    def __init__(
        self,
        exporter: LangfuseSpanExporter | None,
        *,
        adopted: TracerProvider | None = None,
        project: _Project | None = None,
        instrumentors: Sequence[BaseInstrumentor] = (),
    ) -> None:
        self._exporter = exporter
        self._adopted = adopted  # instead of an exporter of our own; else no provider is kept alive by us
        self._instrumentors = instrumentors
        self.project = project

    def flush(self, timeout_s: float = 30.0) -> bool:
        """Wait until every span ended so far is delivered.

        Where ``OTEL_TRACES_EXPORTER`` made the exporter, spans are handed to it, and it sends them soon after.

        Returns:
            False when ``timeout_s`` seconds did not suffice; the spans stay, and are sent later.
        """
        if self._exporter is not None:
            return self._exporter.force_flush(int(timeout_s * 1_000))
        return self._adopted is None or self._adopted.force_flush(int(timeout_s * 1_000))

    def shutdown(self, timeout_s: float = 30.0) -> None:
        """Take the instrumentations off, deliver what is left, and stop; afterwards ``configure`` may set up anew.

        Waits ``timeout_s`` seconds, but never longer than the exit budget (setting ``shutdown_timeout_s``, 5 seconds).
        The exit of the program delivers what is left too.
        """
        _process.forget(self)
        for instrumentor in self._instrumentors:
            try:
                instrumentor.uninstrument()
            except Exception as error:
                log.once(logging.WARNING, f"uninstrument {instrumentor}", "%s not taken off: %s", instrumentor, error)
        if self._exporter is not None:
            self._exporter.shutdown(timeout_s * 1_000)
        elif self._adopted is not None:
            self._adopted.shutdown()

    def status(self) -> Status | None:
        """How delivery goes, what waits, and every span so far by what became of it.

        None where ``OTEL_TRACES_EXPORTER`` made the exporter, which is OpenTelemetry's then and not ours to ask, and
        where none could be made.
        """
        return self._exporter.status() if self._exporter is not None else None


def configure(
    *,
    tracer_provider: TracerProvider | None = None,
    instrument: bool = True,
    select: Select | None = None,
    price: Price | None = None,
    **settings: Any,
) -> Tracing:
    """Send the spans of a provider to Langfuse, and have the installed LLM clients make some.

    A second call for the same provider changes nothing and returns what the first one returned; if it names other
    keys or another address, a line in the log says so.

    Args:
        tracer_provider: The provider to extend; by default the global one, made and set when there is none yet.
        instrument: Instrument the installed clients that our instrumentations know.
        select: Which spans to send (see ``LangfuseSpanExporter``).
        price: What calls cost whose spans do not say it (see ``LangfuseSpanExporter``).
        **settings: Any setting by its name (``settings.SETTINGS``); what is not given comes from the environment.

    Returns:
        What was set up. Without keys, with an environment that we or OpenTelemetry cannot take, with
        ``LANGFUSE_TRACING_ENABLED=false`` or ``OTEL_SDK_DISABLED=true`` that is nothing: the application runs untraced,
        and the log says why.

    Raises:
        SettingsError: An argument is unknown or malformed.
    """
    load({}, **settings)  # a mistake in the code is worth an exception, one in the environment is not
    with _process.lock:
        provider = tracer_provider or trace.get_tracer_provider()
        known = _process.tracings.get(provider)
        if known is None:
            try:
                return _set_up(provider, instrument, settings, {"select": select, "price": price})
            except Exception as error:  # OpenTelemetry refuses its own variables, or is installed only in part
                message = "Set-up failed (%s: %s). %s"
                log.once(logging.ERROR, f"configure {error}", message, type(error).__name__, error, SEE_DOCTOR)
                return Tracing(None)
    _compare(known, settings)
    return known


def adopt(provider: trace.TracerProvider) -> None:
    """Complete a provider to which the environment gave our exporter: put the trace fields on its spans.

    ``configure`` then adds no second exporter to it, which would send every span twice. A second call has no effect.
    """
    from langfuse_otel.processor import TraceFieldsProcessor

    with _process.lock:
        if provider in _process.tracings or not _takes_processors(provider):
            return
        provider.add_span_processor(TraceFieldsProcessor())
        _process.tracings[provider] = Tracing(None, adopted=provider)


def prompts(**settings: Any) -> Prompts:
    """The prompt client of this process for a project; made by the first call, with its settings.

    Args:
        **settings: Any setting by its name; what is not given comes from the environment.

    Raises:
        SettingsError: A setting is malformed, or keys are missing.
    """
    from langfuse_otel.prompt_telemetry import observe_prompts
    from langfuse_otel.prompts.client import Prompts

    loaded = load(**settings)
    with _process.lock:
        key = _project(loaded)
        if key not in _process.prompts:
            made = _process.prompts[key] = Prompts.from_settings(loaded)
            if loaded.exporter_metrics:
                observe_prompts(made)
        return _process.prompts[key]


def _set_up(
    provider: trace.TracerProvider, instrument: bool, settings: dict[str, Any], functions: dict[str, Any]
) -> Tracing:
    from opentelemetry.sdk.trace import TracerProvider

    from langfuse_otel.delivery.status import State
    from langfuse_otel.exporter import LangfuseSpanExporter
    from langfuse_otel.processor import LangfuseSpanProcessor

    exporter = LangfuseSpanExporter(**functions, **settings)
    nothing = Tracing(exporter)
    if exporter.status().state is State.DISABLED:  # it has said why
        return nothing
    fresh = isinstance(provider, trace.ProxyTracerProvider)
    if fresh:
        provider = TracerProvider()
    if isinstance(provider.get_tracer(__name__), trace.NoOpTracer):
        log.once(logging.INFO, "sdk disabled", "OpenTelemetry is turned off (OTEL_SDK_DISABLED), so nothing is traced")
        return nothing
    if not _takes_processors(provider):
        message = "The global tracer provider (%s) is not OpenTelemetry's SDK, so nothing is traced. %s"
        fix = "Call configure() before what sets it, or give configure(tracer_provider=...) a provider of the SDK"
        log.once(logging.WARNING, "foreign provider", message, type(provider).__qualname__, fix)
        return nothing
    provider.add_span_processor(LangfuseSpanProcessor(exporter))
    if fresh:
        trace.set_tracer_provider(provider)
    instrumentors = _instrument(provider, settings) if instrument else []
    tracing = Tracing(exporter, project=_project(load(**settings)), instrumentors=instrumentors)
    _process.tracings[provider] = tracing
    return tracing


def _compare(known: Tracing, settings: dict[str, Any]) -> None:
    try:
        wanted = _project(load(**settings))
    except SettingsError as error:  # in the environment, since the first call
        log.once(
            logging.ERROR, f"configure {error}", "configure() was called again; its settings have no effect: %s", error
        )
        return
    if known.project is not None and wanted != known.project:
        message = (
            "configure() was called again for other keys or another address (%s); the first stay in force (%s). "
            "To send to two projects, add a LangfuseSpanProcessor for each"
        )
        log.once(logging.WARNING, f"configure {wanted}", message, wanted, known.project)


def _instrument(provider: TracerProvider, settings: dict[str, Any]) -> list[BaseInstrumentor]:
    """Instrument what is installed and not instrumented yet; a failure costs only the library that it happens in."""
    from opentelemetry.instrumentation.dependencies import get_dependency_conflicts

    done: list[BaseInstrumentor] = []
    disabled = load(**settings).disabled_instrumentations
    if "*" in disabled:
        return done
    options = {name: settings[name] for name in _INSTRUMENTOR_SETTINGS if name in settings}
    for entry_point in entry_points(group=_GROUP):
        if not entry_point.name.startswith(_OURS) or entry_point.name in disabled:
            continue
        try:
            instrumentor: BaseInstrumentor = entry_point.load()()
            if instrumentor.is_instrumented_by_opentelemetry:
                continue
            conflict = get_dependency_conflicts(instrumentor.instrumentation_dependencies())
            if conflict is None:
                instrumentor.instrument(tracer_provider=provider, skip_dep_check=True, **options)
                done.append(instrumentor)
            elif conflict.found:  # else it is not installed, and there is nothing to say
                log.once(logging.WARNING, entry_point.name, "%s is not applied: %s", entry_point.name, conflict)
        except Exception as error:
            message = "%s could not be applied (%s: %s), so its library is not traced"
            log.once(logging.WARNING, entry_point.name, message, entry_point.name, type(error).__name__, error)
    return done


def _takes_processors(provider: trace.TracerProvider) -> TypeGuard[TracerProvider]:
    """Whether it is the SDK's, or a wrapper that can do the same."""
    return callable(getattr(provider, "add_span_processor", None))


def _project(settings: Settings) -> _Project:
    return settings.public_key, settings.base_url


class _Process:
    """What this process has set up."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # re-entrant: an instrumentation that we load may call us
        self.tracings: weakref.WeakKeyDictionary[trace.TracerProvider, Tracing] = weakref.WeakKeyDictionary()
        self.prompts: dict[_Project, Prompts] = {}
        fork.register(self)

    def after_fork_child(self) -> None:
        """A lock of the child's own: the inherited one may be held by a thread that is not here."""
        self.lock = threading.RLock()

    def forget(self, tracing: Tracing) -> None:
        """Let ``configure`` set up anew what this one was set up for."""
        with self.lock:
            for provider in [provider for provider, known in self.tracings.items() if known is tracing]:
                del self.tracings[provider]


_process = _Process()
