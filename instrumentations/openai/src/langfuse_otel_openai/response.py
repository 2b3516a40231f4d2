"""Answers of the methods beside chat completions and the Responses API → attributes and messages."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import Attributes, Content
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.chat_completions import identity_and_usage
from langfuse_otel.instrumentation.fields import field, items, text


def completions_output(completion: Any) -> Content:
    """One message a choice."""
    texts = ((text(choice, "text") or "", text(choice, "finish_reason")) for choice in items(completion, "choices"))
    answers = [said.message("assistant", [said.text(answer)], finish_reason=reason) for answer, reason in texts]
    return {names.OUTPUT_MESSAGES: answers}


def embeddings_response(response: Any) -> Attributes:
    """Attributes of an embeddings answer; vectors are not recorded."""
    vector = field(next(iter(items(response, "data")), None), "embedding")
    size = {names.EMBEDDINGS_DIMENSION_COUNT: len(vector)} if isinstance(vector, (list, tuple)) else {}
    return {**identity_and_usage(response), **size}


def completion_of(error: BaseException) -> Any:
    """The completion that a ``LengthFinishReasonError`` carries: structured output cut short is paid for as well."""
    return field(error, "completion")
