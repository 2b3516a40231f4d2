"""Forms in which models are asked and answer, for clients that pass on JSON bodies: gateways, and hosts of many models.

Each is an ``Endpoint`` whose functions read decoded bodies, as if these were the arguments and the answers of a client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import chat_completions, text_completions
from langfuse_otel.instrumentation.anthropic_messages import MESSAGES
from langfuse_otel.instrumentation.converse import CONVERSE
from langfuse_otel.instrumentation.declare import Accumulator, Arguments, Attributes, Content, Endpoint
from langfuse_otel.instrumentation.fields import fields
from langfuse_otel.instrumentation.generate_content import GENERATE_CONTENT
from langfuse_otel.instrumentation.parameters import ANY_SPELLING, attributes_of
from langfuse_otel.instrumentation.responses import RESPONSES

__all__ = ["CHAT", "COMPLETION", "CONVERSE", "EMBEDDINGS", "GENERATE_CONTENT", "MESSAGES", "RESPONSES"]


class _Chunks:
    """Joins chunks in the form that the first one has."""

    def __init__(self) -> None:
        self._chunks: Accumulator | None = None

    def add(self, chunk: Any) -> bool:
        """Take in a chunk; True when it carries a piece of content."""
        if self._chunks is None:
            is_chat = "choices" in chunk
            self._chunks = chat_completions.ChatChunks() if is_chat else text_completions.TextChunks()
        return self._chunks.add(chunk)

    def response(self) -> Any:
        """The answer so far."""
        return None if self._chunks is None else self._chunks.response()


def _request(body: Arguments) -> Attributes:
    # Titan has its parameters in a field of their own.
    return attributes_of({**body, **fields(body.get("textGenerationConfig"))}, ANY_SPELLING)


def _input(body: Arguments) -> Content:
    return chat_completions.chat_input(body) if "messages" in body else text_completions.text_input(body)


def _response(answer: Mapping[str, Any]) -> Attributes:
    return chat_completions.chat_response(answer) if "choices" in answer else text_completions.text_response(answer)


def _output(answer: Mapping[str, Any]) -> Content:
    return chat_completions.chat_output(answer) if "choices" in answer else text_completions.text_output(answer)


CHAT = Endpoint(
    operation=names.CHAT,
    request=_request,
    input=_input,
    response=_response,
    output=_output,
    accumulator=_Chunks,
)
"""Chat completions, OpenAI's form that most makers share; or a text in and a text out, as the bodies tell."""

COMPLETION = replace(CHAT, operation=names.TEXT_COMPLETION)
EMBEDDINGS = replace(CHAT, operation=names.EMBEDDINGS)
