"""OpenTelemetry instrumentation of the Google GenAI client: ``GoogleGenAIInstrumentor().instrument()``."""

from langfuse_otel_google_genai.instrumentor import GoogleGenAIInstrumentor

__all__ = ["GoogleGenAIInstrumentor"]
