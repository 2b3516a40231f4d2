"""The endpoint of this protocol, for clients that speak it and for bodies alike."""

from __future__ import annotations

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.anthropic_messages.events import MessageEvents
from langfuse_otel.instrumentation.anthropic_messages.request import messages_input, messages_request
from langfuse_otel.instrumentation.anthropic_messages.response import messages_output, messages_response
from langfuse_otel.instrumentation.declare import Endpoint

MESSAGES = Endpoint(
    operation=names.CHAT,
    request=messages_request,
    input=messages_input,
    response=messages_response,
    output=messages_output,
    accumulator=MessageEvents,
)
"""The Messages API of Anthropic."""
