"""The instrumentor that OpenTelemetry loads."""

from __future__ import annotations

from langfuse_otel.instrumentation import Instrumentor
from langfuse_otel_anthropic.hooks import HOOKS, REQUESTS, SELF_TRACED
from langfuse_otel_anthropic.package import SUPPORTED


class AnthropicInstrumentor(Instrumentor):
    """Traces the ``anthropic`` client. See ``Instrumentor`` for the options of ``instrument()``."""

    scope = "langfuse_otel_anthropic"
    supported = SUPPORTED
    client = "anthropic"
    hooks = HOOKS
    requests = REQUESTS
    self_traced = SELF_TRACED
