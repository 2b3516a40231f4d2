"""Answers of the API → attributes and messages: model objects, decoded bodies and joined events alike."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.declare import Attributes, Content
from langfuse_otel.instrumentation.fields import field, fields, known, text, whole
from langfuse_otel.instrumentation.typed_blocks import parts_of

_CACHE = "anthropic.usage.cache_creation."


def messages_response(message: Any) -> Attributes:
    """Attributes of a message."""
    message = fields(message)
    usage = fields(message.get("usage"))
    lifetimes, details = field(usage, "cache_creation"), field(usage, "output_tokens_details")
    read, written = whole(usage, "cache_read_input_tokens"), whole(usage, "cache_creation_input_tokens")
    uncached = whole(usage, "input_tokens")
    attributes = {
        names.RESPONSE_ID: text(message, "id"),
        names.RESPONSE_MODEL: text(message, "model"),
        # A message that was cut off has no reason; the conventions call that "error".
        names.RESPONSE_FINISH_REASONS: [text(message, "stop_reason") or "error"],
        # The provider counts what was cached apart; the conventions' total includes it.
        names.USAGE_INPUT_TOKENS: None if uncached is None else uncached + (read or 0) + (written or 0),
        names.USAGE_OUTPUT_TOKENS: whole(usage, "output_tokens"),
        names.USAGE_CACHE_READ_INPUT_TOKENS: read or None,
        names.USAGE_CACHE_WRITE_INPUT_TOKENS: written or None,
        names.USAGE_REASONING_OUTPUT_TOKENS: whole(details, "thinking_tokens") or None,
        _CACHE + "ephemeral_5m_input_tokens": whole(lifetimes, "ephemeral_5m_input_tokens") or None,
        _CACHE + "ephemeral_1h_input_tokens": whole(lifetimes, "ephemeral_1h_input_tokens") or None,
        "anthropic.response.service_tier": text(usage, "service_tier"),
        "anthropic.request.id": text(message, "_request_id"),
    }
    return known(attributes)


def messages_output(message: Any) -> Content:
    """All content blocks as the parts of one message."""
    parts = parts_of(field(message, "content"))
    answer = said.message("assistant", parts, finish_reason=text(message, "stop_reason"))
    return {names.OUTPUT_MESSAGES: [answer] if parts else None}
