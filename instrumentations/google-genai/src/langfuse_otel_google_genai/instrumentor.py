"""The instrumentor that OpenTelemetry loads."""

from __future__ import annotations

from langfuse_otel.instrumentation import Instrumentor
from langfuse_otel_google_genai.hooks import HOOKS, REQUESTS
from langfuse_otel_google_genai.package import SUPPORTED


class GoogleGenAIInstrumentor(Instrumentor):
    """Traces the ``google-genai`` client. See ``Instrumentor`` for the options of ``instrument()``."""

    scope = "langfuse_otel_google_genai"
    supported = SUPPORTED
    client = "google.genai"
    hooks = HOOKS
    requests = REQUESTS
