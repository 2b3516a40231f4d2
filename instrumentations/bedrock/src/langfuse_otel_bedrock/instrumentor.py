"""The instrumentor that OpenTelemetry loads."""

from __future__ import annotations

from langfuse_otel.instrumentation import Instrumentor
from langfuse_otel_bedrock.hooks import HOOKS
from langfuse_otel_bedrock.package import SUPPORTED


class BedrockInstrumentor(Instrumentor):
    """Traces the ``bedrock-runtime`` client of boto3. See ``Instrumentor`` for the options of ``instrument()``."""

    scope = "langfuse_otel_bedrock"
    supported = SUPPORTED
    client = "botocore.client"
    hooks = HOOKS
