"""The instrumentor that OpenTelemetry loads."""

from __future__ import annotations

from langfuse_otel.instrumentation import Instrumentor
from langfuse_otel_openai.hooks import HOOKS, REQUESTS
from langfuse_otel_openai.package import SUPPORTED


class OpenAIInstrumentor(Instrumentor):
    """Traces the ``openai`` client. See ``Instrumentor`` for the options of ``instrument()``."""

    scope = "langfuse_otel_openai"
    supported = SUPPORTED
    client = "openai"
    hooks = HOOKS
    requests = REQUESTS
