"""OpenTelemetry's variables that concern us, by name; light to import.

``opentelemetry-instrument`` loads this module from our entry point and makes a command-line flag of each attribute that
begins with ``OTEL_`` (``OTEL_EXPORTER_LANGFUSE_WIRE`` becomes ``--exporter_langfuse_wire``). Only our own may stand
here under such a name: one that another package has already would be an argument conflict and end the program.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

from opentelemetry import environment_variables as api
from opentelemetry.instrumentation import environment_variables as instrumentation

OTEL_EXPORTER_LANGFUSE_WIRE = "OTEL_EXPORTER_LANGFUSE_WIRE"
OTEL_EXPORTER_LANGFUSE_HEADERS = "OTEL_EXPORTER_LANGFUSE_HEADERS"
OTEL_EXPORTER_LANGFUSE_CERTIFICATE = "OTEL_EXPORTER_LANGFUSE_CERTIFICATE"
OTEL_EXPORTER_LANGFUSE_SPANS = "OTEL_EXPORTER_LANGFUSE_SPANS"
OTEL_EXPORTER_LANGFUSE_LEFT_OUT_SCOPES = "OTEL_EXPORTER_LANGFUSE_LEFT_OUT_SCOPES"
OTEL_EXPORTER_LANGFUSE_ONLY_OWN_SPANS = "OTEL_EXPORTER_LANGFUSE_ONLY_OWN_SPANS"
OTEL_EXPORTER_LANGFUSE_DELIVERY = "OTEL_EXPORTER_LANGFUSE_DELIVERY"
OTEL_EXPORTER_LANGFUSE_MAX_QUEUE_SPANS = "OTEL_EXPORTER_LANGFUSE_MAX_QUEUE_SPANS"
OTEL_EXPORTER_LANGFUSE_MAX_QUEUE_BYTES = "OTEL_EXPORTER_LANGFUSE_MAX_QUEUE_BYTES"
OTEL_EXPORTER_LANGFUSE_BACKPRESSURE = "OTEL_EXPORTER_LANGFUSE_BACKPRESSURE"
OTEL_EXPORTER_LANGFUSE_PRESSURE_HIGH = "OTEL_EXPORTER_LANGFUSE_PRESSURE_HIGH"
OTEL_EXPORTER_LANGFUSE_PRESSURE_LOW = "OTEL_EXPORTER_LANGFUSE_PRESSURE_LOW"
OTEL_EXPORTER_LANGFUSE_BLOCK_TIMEOUT = "OTEL_EXPORTER_LANGFUSE_BLOCK_TIMEOUT"
OTEL_EXPORTER_LANGFUSE_MAX_BATCH_BYTES = "OTEL_EXPORTER_LANGFUSE_MAX_BATCH_BYTES"
OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT = "OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT"
OTEL_EXPORTER_LANGFUSE_RETRY_INITIAL = "OTEL_EXPORTER_LANGFUSE_RETRY_INITIAL"
OTEL_EXPORTER_LANGFUSE_RETRY_MAX = "OTEL_EXPORTER_LANGFUSE_RETRY_MAX"
OTEL_EXPORTER_LANGFUSE_MAX_CONCURRENT_REQUESTS = "OTEL_EXPORTER_LANGFUSE_MAX_CONCURRENT_REQUESTS"
OTEL_EXPORTER_LANGFUSE_BREAKER_FAILURES = "OTEL_EXPORTER_LANGFUSE_BREAKER_FAILURES"
OTEL_EXPORTER_LANGFUSE_BREAKER_OPEN = "OTEL_EXPORTER_LANGFUSE_BREAKER_OPEN"
OTEL_EXPORTER_LANGFUSE_BREAKER_SUCCESSES = "OTEL_EXPORTER_LANGFUSE_BREAKER_SUCCESSES"
OTEL_EXPORTER_LANGFUSE_DRAIN_ON_SIGTERM = "OTEL_EXPORTER_LANGFUSE_DRAIN_ON_SIGTERM"
OTEL_EXPORTER_LANGFUSE_SPOOL_DIRECTORY = "OTEL_EXPORTER_LANGFUSE_SPOOL_DIRECTORY"
OTEL_EXPORTER_LANGFUSE_SPOOL_FSYNC = "OTEL_EXPORTER_LANGFUSE_SPOOL_FSYNC"
OTEL_EXPORTER_LANGFUSE_MAX_SPOOL_BYTES = "OTEL_EXPORTER_LANGFUSE_MAX_SPOOL_BYTES"
OTEL_EXPORTER_LANGFUSE_MAX_SPOOL_AGE = "OTEL_EXPORTER_LANGFUSE_MAX_SPOOL_AGE"
OTEL_EXPORTER_LANGFUSE_SPOOL_WHEN_FULL = "OTEL_EXPORTER_LANGFUSE_SPOOL_WHEN_FULL"
OTEL_EXPORTER_LANGFUSE_MAX_MEDIUM_BYTES = "OTEL_EXPORTER_LANGFUSE_MAX_MEDIUM_BYTES"
OTEL_EXPORTER_LANGFUSE_METRICS = "OTEL_EXPORTER_LANGFUSE_METRICS"

TRACES_EXPORTER = api.OTEL_TRACES_EXPORTER
METRICS_EXPORTER = api.OTEL_METRICS_EXPORTER
LOGS_EXPORTER = api.OTEL_LOGS_EXPORTER
DISTRO = instrumentation.OTEL_PYTHON_DISTRO
CONFIGURATOR = instrumentation.OTEL_PYTHON_CONFIGURATOR
DISABLED_INSTRUMENTATIONS = instrumentation.OTEL_PYTHON_DISABLED_INSTRUMENTATIONS
# Spelled out, because OpenTelemetry SDKs that we support have no constant for it yet.
CONFIG_FILE = "OTEL_CONFIG_FILE"
COMPLETION_HOOK = "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK"
SDK_DISABLED = "OTEL_SDK_DISABLED"

# Without them the stock distro may be the one that wins: OpenTelemetry takes the first that it finds.
SELECTORS: Mapping[str, str] = {DISTRO: "langfuse", CONFIGURATOR: "langfuse"}
# All three: with traces alone, the stock default for metrics (OTLP over gRPC) makes the whole set-up fail.
EXPORTERS: Mapping[str, str] = {TRACES_EXPORTER: "langfuse", METRICS_EXPORTER: "none", LOGS_EXPORTER: "none"}

# OpenTelemetry's own GenAI packages hand us their content. Only where spans go to Langfuse: on them it is written.
CONTENT: Mapping[str, str] = {COMPLETION_HOOK: "langfuse"}


def set_defaults(env: MutableMapping[str, str], defaults: Mapping[str, str]) -> None:
    """Set what is unset or, as OpenTelemetry's specification has it, empty."""
    for variable, value in defaults.items():
        if not env.get(variable, "").strip():
            env[variable] = value


def set_exporters(env: MutableMapping[str, str]) -> None:
    """Send traces to Langfuse, with their content, and all else nowhere, as far as the environment leaves that open."""
    set_defaults(env, EXPORTERS)
    if "langfuse" in listed(env, TRACES_EXPORTER):
        set_defaults(env, CONTENT)


def listed(env: Mapping[str, str], variable: str) -> list[str]:
    """The entries of a comma-separated variable."""
    return [entry.strip() for entry in env.get(variable, "").split(",") if entry.strip()]
