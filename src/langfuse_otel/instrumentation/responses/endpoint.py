"""The endpoint of this protocol, for clients that speak it and for bodies alike."""

from __future__ import annotations

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.declare import Endpoint
from langfuse_otel.instrumentation.responses.events import ResponseEvents
from langfuse_otel.instrumentation.responses.request import responses_input, responses_request
from langfuse_otel.instrumentation.responses.response import responses_output, responses_response

RESPONSES = Endpoint(
    operation=names.CHAT,
    request=responses_request,
    input=responses_input,
    response=responses_response,
    output=responses_output,
    accumulator=ResponseEvents,
)
"""The Responses API of OpenAI."""
