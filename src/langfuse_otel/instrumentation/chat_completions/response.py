"""Answers of chat completions → attributes."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.chat_completions.usage import usage_attributes
from langfuse_otel.instrumentation.declare import Attributes
from langfuse_otel.instrumentation.fields import fields, items, put_texts, text

_IDENTITY = {"id": names.RESPONSE_ID, "model": names.RESPONSE_MODEL}


def chat_response(completion: Any) -> Attributes:
    """Identity, finish reasons and usage of a chat completion, or of a completion."""
    completion = fields(completion)
    # A choice that was cut off has no reason of its own; the conventions call that "error".
    reasons = [finish_reason(choice) or "error" for choice in items(completion, "choices")]
    attributes = usage_attributes(completion.get("usage"))
    if reasons:
        attributes[names.RESPONSE_FINISH_REASONS] = reasons
    put_texts(attributes, completion, _IDENTITY)
    return attributes


def finish_reason(choice: Any) -> str | None:
    """Why a choice ended, in the words of the server."""
    return text(choice, "finish_reason") or text(choice, "stop_reason")
