"""The chat completions protocol: OpenAI's, which many servers and the clients of other providers speak."""

from langfuse_otel.instrumentation.chat_completions.chunks import ChatChunks
from langfuse_otel.instrumentation.chat_completions.messages import (
    chat_input,
    chat_output,
    input_message,
    output_message,
)
from langfuse_otel.instrumentation.chat_completions.response import chat_response
from langfuse_otel.instrumentation.chat_completions.stream_usage import STREAM_USAGE
from langfuse_otel.instrumentation.chat_completions.tools import tool_definition
from langfuse_otel.instrumentation.chat_completions.usage import usage_attributes

__all__ = [
    "STREAM_USAGE",
    "ChatChunks",
    "chat_input",
    "chat_output",
    "chat_response",
    "input_message",
    "output_message",
    "tool_definition",
    "usage_attributes",
]
