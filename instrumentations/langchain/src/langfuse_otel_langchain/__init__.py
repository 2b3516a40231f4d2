"""OpenTelemetry instrumentation of LangChain and LangGraph: ``LangChainInstrumentor().instrument()``."""

from langfuse_otel_langchain.instrumentor import LangChainInstrumentor

__all__ = ["LangChainInstrumentor"]
