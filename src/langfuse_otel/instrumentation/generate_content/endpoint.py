"""The endpoint of this protocol, for clients that speak it and for bodies alike."""

from __future__ import annotations

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.declare import Endpoint
from langfuse_otel.instrumentation.generate_content.chunks import GenerateChunks
from langfuse_otel.instrumentation.generate_content.request import generate_input, generate_request
from langfuse_otel.instrumentation.generate_content.response import generate_output, generate_response

GENERATE_CONTENT = Endpoint(
    operation=names.GENERATE_CONTENT,
    request=generate_request,
    input=generate_input,
    response=generate_response,
    output=generate_output,
    accumulator=GenerateChunks,
)
"""The generateContent API of Google."""
