"""OpenTelemetry instrumentation of the Anthropic client: ``AnthropicInstrumentor().instrument()``."""

from langfuse_otel_anthropic.instrumentor import AnthropicInstrumentor

__all__ = ["AnthropicInstrumentor"]
