"""Answers of the API → attributes and messages: model objects, decoded bodies and joined events alike."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.chat_completions import identity, identity_and_usage
from langfuse_otel.instrumentation.declare import Attributes, Content
from langfuse_otel.instrumentation.fields import field, fields, items, known, text
from langfuse_otel.instrumentation.responses.items import parts_of_item

# Why a response is incomplete, in the words that chat completions use for the same.
_INCOMPLETE = {"max_output_tokens": "length"}


def responses_response(response: Any) -> Attributes:
    """Attributes of a response."""
    response = fields(response)
    reason = _finish_reason(response)
    attributes = {
        names.CONVERSATION_ID: text(response.get("conversation"), "id"),
        names.RESPONSE_FINISH_REASONS: [reason] if reason else None,
        # Answered with HTTP 200, failed nevertheless.
        names.ERROR_TYPE: _failure(response),
    }
    return {**identity_and_usage(response), **known(attributes)}


def fetched_response(response: Any) -> Attributes:
    """Attributes of a response that is fetched again: its tokens belong to the call that made it."""
    attributes = {**identity(response), names.RESPONSE_STATUS: text(response, "status")}
    return known({**attributes, names.ERROR_TYPE: _failure(response)})


def responses_output(response: Any) -> Content:
    """All output items as the parts of one message."""
    parts = [part for item in items(response, "output") for part in parts_of_item(item)]
    message = said.message("assistant", parts, finish_reason=_finish_reason(response))
    return {names.OUTPUT_MESSAGES: [message] if parts else None}


def _finish_reason(response: Any) -> str | None:
    status = text(response, "status")
    if status == "completed":
        calls = any(text(item, "type") in ("function_call", "custom_tool_call") for item in items(response, "output"))
        return "tool_calls" if calls else "stop"
    if status == "incomplete":
        reason = text(field(response, "incomplete_details"), "reason") or "error"
        return _INCOMPLETE.get(reason, reason)
    if status == "in_progress":  # cut off, or left to go on in the background
        return None if field(response, "background") is True else "error"
    return "error" if status in ("failed", "cancelled") else None


def _failure(response: Any) -> str | None:
    if text(response, "status") != "failed":
        return None
    return text(field(response, "error"), "code") or names.ERROR_TYPE_OTHER
