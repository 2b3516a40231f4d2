"""The instrumentation toolkit: declare hooks, get traced calls. Works with any OpenTelemetry backend."""

from langfuse_otel.instrumentation.content import Mask
from langfuse_otel.instrumentation.declare import (
    Accumulator,
    Arguments,
    Attributes,
    Content,
    Endpoint,
    Hook,
    Server,
    StreamUsage,
    agent_endpoint,
    tool_endpoint,
)
from langfuse_otel.instrumentation.instrumentor import Instrumentor

__all__ = [
    "Accumulator",
    "Arguments",
    "Attributes",
    "Content",
    "Endpoint",
    "Hook",
    "Instrumentor",
    "Mask",
    "Server",
    "StreamUsage",
    "agent_endpoint",
    "tool_endpoint",
]
