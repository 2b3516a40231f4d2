"""OpenTelemetry instrumentation of the OpenAI client: ``OpenAIInstrumentor().instrument()``."""

from langfuse_otel_openai.instrumentor import OpenAIInstrumentor

__all__ = ["OpenAIInstrumentor"]
