"""Answers of chat completions → attributes."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.chat_completions.usage import usage_attributes
from langfuse_otel.instrumentation.declare import Attributes
from langfuse_otel.instrumentation.fields import fields, items, put_texts, text

_IDENTITY = {
    "id": names.RESPONSE_ID,
    "model": names.RESPONSE_MODEL,
    "service_tier": "openai.response.service_tier",
    "system_fingerprint": "openai.response.system_fingerprint",
}


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


def identity_and_usage(answer: Any) -> Attributes:
    """What answers of the endpoints beside it have in common: id, model and usage, as far as they are there."""
    answer = fields(answer)
    attributes = usage_attributes(answer.get("usage"))
    put_texts(attributes, answer, _IDENTITY)
    return attributes


def identity(answer: Any) -> Attributes:
    """The id of an answer, and the model that gave it."""
    attributes: Attributes = {}
    put_texts(attributes, fields(answer), _IDENTITY)
    return attributes


def finish_reason(choice: Any) -> str | None:
    """Why a choice ended, in the words of the server."""
    return text(choice, "finish_reason") or text(choice, "stop_reason")
