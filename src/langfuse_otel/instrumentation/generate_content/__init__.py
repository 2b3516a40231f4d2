"""The generateContent API: Gemini's, which Google's clients speak to its own servers and to Vertex AI."""

from langfuse_otel.instrumentation.generate_content.chunks import GenerateChunks
from langfuse_otel.instrumentation.generate_content.contents import get
from langfuse_otel.instrumentation.generate_content.endpoint import GENERATE_CONTENT
from langfuse_otel.instrumentation.generate_content.request import generate_input, generate_request
from langfuse_otel.instrumentation.generate_content.response import generate_output, generate_response

__all__ = [
    "GENERATE_CONTENT",
    "GenerateChunks",
    "generate_input",
    "generate_output",
    "generate_request",
    "generate_response",
    "get",
]
