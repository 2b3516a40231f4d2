"""The Messages API: Anthropic's, which other platforms serve too, and some of other makers speak."""

from langfuse_otel.instrumentation.anthropic_messages.endpoint import MESSAGES
from langfuse_otel.instrumentation.anthropic_messages.events import MessageEvents
from langfuse_otel.instrumentation.anthropic_messages.request import messages_input, messages_request
from langfuse_otel.instrumentation.anthropic_messages.response import messages_output, messages_response

__all__ = ["MESSAGES", "MessageEvents", "messages_input", "messages_output", "messages_request", "messages_response"]
