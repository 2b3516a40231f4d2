"""The Responses API: OpenAI's, which other platforms and servers of open models speak as well."""

from langfuse_otel.instrumentation.responses.endpoint import RESPONSES
from langfuse_otel.instrumentation.responses.events import ResponseEvents
from langfuse_otel.instrumentation.responses.request import responses_input, responses_request
from langfuse_otel.instrumentation.responses.response import fetched_response, responses_output, responses_response

__all__ = [
    "RESPONSES",
    "ResponseEvents",
    "fetched_response",
    "responses_input",
    "responses_output",
    "responses_request",
    "responses_response",
]
