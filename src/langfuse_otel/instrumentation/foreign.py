"""Other instrumentations on the same target: recognised, so that one call never becomes two generations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_MAX_DEPTH = 32

# Modules whose wrappers make OpenTelemetry spans of LLM calls, or send them to Langfuse, by prefix, and what people
# call them. Wrappers that report to a backend of their own (Sentry, Datadog, New Relic, MLflow, Weave, Braintrust,
# LangSmith) are no reason to step aside: without our span, such a call would be missing.
_KNOWN: tuple[tuple[str, str], ...] = (
    ("opentelemetry.instrumentation.genai", "the official OpenTelemetry GenAI instrumentation"),
    ("opentelemetry.instrumentation", "OpenLLMetry or an official OpenTelemetry instrumentation"),
    ("opentelemetry.util.genai", "the official OpenTelemetry GenAI instrumentation"),
    ("openinference.", "OpenInference"),
    ("langfuse.", "the Langfuse SDK's drop-in client"),
    ("logfire.", "Logfire"),
    ("openlit.", "OpenLIT"),
    ("traceloop.", "OpenLLMetry"),
    ("agentops.", "AgentOps"),
)


def foreign_wrapper(function: Any) -> str | None:
    """The name of the instrumentation that wraps ``function``, at any depth; None if there is none."""
    for layer in _layers(function):
        for module in _modules(layer):
            for prefix, name in _KNOWN:
                if module.startswith(prefix):
                    return name
    return None


def _layers(function: Any) -> Iterator[Any]:
    """A function and what it wraps, outermost first."""
    for _ in range(_MAX_DEPTH):
        yield function
        function = getattr(function, "__wrapped__", None)
        if function is None:
            return


def _modules(layer: Any) -> Iterator[str]:
    """The modules that a layer may come from.

    A wrapt wrapper shows the module of what it wraps; who made it is known by the function it calls. A wrapper made
    with ``functools.wraps`` shows the wrapped function's module too, but its globals are those of its own.
    """
    wrapper = getattr(layer, "_self_wrapper", None)
    for function in (wrapper, getattr(wrapper, "__func__", None), layer):
        if function is None:
            continue
        for module in (
            getattr(function, "__module__", None),
            type(function).__module__,
            getattr(function, "__globals__", {}).get("__name__"),
        ):
            if isinstance(module, str):
                yield module
