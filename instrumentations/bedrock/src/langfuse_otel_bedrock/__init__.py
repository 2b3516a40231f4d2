"""OpenTelemetry instrumentation of Amazon Bedrock in boto3: ``BedrockInstrumentor().instrument()``."""

from langfuse_otel_bedrock.instrumentor import BedrockInstrumentor

__all__ = ["BedrockInstrumentor"]
