"""Set-up without a line of code: what OpenTelemetry's auto-instrumentation loads from our entry points.

Its loader runs distro, configurator, pre-instrument hooks and instrumentors in this order, before the application. An
exception in one of them ends the rest, so nothing here raises: what cannot be set up is logged, the application runs.
"""

from __future__ import annotations

import logging
import os
from importlib.metadata import EntryPoint
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.dependencies import DependencyConflictError
from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]  # untyped module

# The one private name of OpenTelemetry that we use: every distro subclasses it, as its docstring asks, and there is no
# public way to have the SDK set up from the environment. tests/unit/test_distro.py watches it.
from opentelemetry.sdk._configuration import _OTelSDKConfigurator

from langfuse_otel import log
from langfuse_otel.configure import SEE_DOCTOR, adopt
from langfuse_otel.environment_variables import (
    CONFIG_FILE,
    CONFIGURATOR,
    TRACES_EXPORTER,
    listed,
    set_exporters,
)

_LOADER = "opentelemetry.instrumentation.auto_instrumentation._load"


class LangfuseDistro(BaseDistro):  # type: ignore[misc]  # untyped base
    """Sends traces to Langfuse, and metrics and logs nowhere, unless the environment says otherwise."""

    def _configure(self, **kwargs: Any) -> None:
        set_exporters(os.environ)
        if os.environ.get(CONFIGURATOR) == "langfuse":
            logging.getLogger(_LOADER).addFilter(_is_news)

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Instrument one library. A failure costs that library's spans; by default it would end the whole set-up."""
        try:
            super().load_instrumentor(entry_point, **kwargs)
        except (
            ImportError,
            DependencyConflictError,
        ):  # the library is not there: OpenTelemetry's loader goes on by itself
            raise
        except Exception as error:
            message = "Instrumentation %s failed (%s: %s), so its library is not traced"
            log.once(
                logging.WARNING, f"load {entry_point.name}", message, entry_point.name, type(error).__name__, error
            )


def _is_news(record: logging.LogRecord) -> bool:
    """False for the loader's warning, one a configurator, that it is not loaded: just that was asked for."""
    return not str(record.msg).startswith("Configuration of %s not loaded")


class LangfuseConfigurator(_OTelSDKConfigurator):
    """Sets up the SDK from the environment, as the stock one does, and survives a failure of it."""

    def _configure(self, **kwargs: Any) -> None:
        try:
            super()._configure(**kwargs)  # type: ignore[no-untyped-call]
        except Exception as error:
            message = "OpenTelemetry could not be set up (%s: %s). %s"
            log.once(logging.ERROR, "configurator", message, type(error).__name__, error, SEE_DOCTOR)


def pre_instrument() -> None:
    """Have the trace fields (user, session, tags …) put on every span, where the environment chose our exporter.

    With a declarative file the exporters are not known here; the processor is added too, as it changes only spans of
    applications that call ``propagate_attributes``.
    """
    try:
        if "langfuse" in listed(os.environ, TRACES_EXPORTER) or os.environ.get(CONFIG_FILE, "").strip():
            adopt(trace.get_tracer_provider())
    except Exception as error:
        log.once(logging.ERROR, "pre_instrument", "Set-up failed (%s: %s). %s", type(error).__name__, error, SEE_DOCTOR)
