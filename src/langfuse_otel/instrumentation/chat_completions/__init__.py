"""The chat completions protocol: OpenAI's, which many servers and the clients of other providers speak."""

from langfuse_otel.instrumentation.chat_completions.chunks import ChatChunks
from langfuse_otel.instrumentation.chat_completions.messages import (
    chat_input,
    chat_output,
    input_message,
    output_message,
)
from langfuse_otel.instrumentation.chat_completions.request import chat_request, completion_request, output_type
from langfuse_otel.instrumentation.chat_completions.response import chat_response, identity, identity_and_usage
from langfuse_otel.instrumentation.chat_completions.stream_usage import STREAM_USAGE
from langfuse_otel.instrumentation.chat_completions.tools import tool_definition
from langfuse_otel.instrumentation.chat_completions.usage import usage_attributes

__all__ = [
    "STREAM_USAGE",
    "ChatChunks",
    "chat_input",
    "chat_output",
    "chat_request",
    "chat_response",
    "completion_request",
    "identity",
    "identity_and_usage",
    "input_message",
    "output_message",
    "output_type",
    "tool_definition",
    "usage_attributes",
]
