"""Answers of the API → attributes and messages: model objects, decoded bodies and joined chunks alike."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import Attributes, Content
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.fields import field, fields, items, text, whole
from langfuse_otel_openai.chat_messages import output_message
from langfuse_otel_openai.response_items import parts_of_item

_SERVICE_TIER = "openai.response.service_tier"
_SYSTEM_FINGERPRINT = "openai.response.system_fingerprint"

# Why a response is incomplete, in the words that chat completions use for the same.
_INCOMPLETE = {"max_output_tokens": "length"}


def chat_response(completion: Any) -> Attributes:
    """Attributes of a chat completion, or of a completion."""
    completion = fields(completion)
    usage = fields(completion.get("usage"))
    before, after = fields(usage.get("prompt_tokens_details")), fields(usage.get("completion_tokens_details"))
    # A choice that was cut off has no reason of its own; the conventions call that "error".
    reasons = [text(choice, "finish_reason") or "error" for choice in items(completion, "choices")]
    return _known(
        {
            **_identity(completion),
            names.RESPONSE_FINISH_REASONS: reasons or None,
            _SYSTEM_FINGERPRINT: text(completion, "system_fingerprint"),
            names.USAGE_INPUT_TOKENS: whole(usage, "prompt_tokens"),
            names.USAGE_OUTPUT_TOKENS: whole(usage, "completion_tokens"),
            names.USAGE_CACHE_READ_INPUT_TOKENS: whole(before, "cached_tokens") or None,
            names.USAGE_CACHE_WRITE_INPUT_TOKENS: whole(before, "cache_write_tokens") or None,
            names.USAGE_AUDIO_INPUT_TOKENS: whole(before, "audio_tokens") or None,
            names.USAGE_REASONING_OUTPUT_TOKENS: whole(after, "reasoning_tokens") or None,
            names.USAGE_AUDIO_OUTPUT_TOKENS: whole(after, "audio_tokens") or None,
        }
    )


def chat_output(completion: Any) -> Content:
    """One message a choice."""
    return {names.OUTPUT_MESSAGES: [output_message(choice) for choice in items(completion, "choices")]}


def completions_output(completion: Any) -> Content:
    """One message a choice."""
    texts = ((text(choice, "text") or "", text(choice, "finish_reason")) for choice in items(completion, "choices"))
    return {
        names.OUTPUT_MESSAGES: [
            said.message("assistant", [said.text(answer)], finish_reason=reason) for answer, reason in texts
        ]
    }


def responses_response(response: Any) -> Attributes:
    """Attributes of a response of the Responses API."""
    response = fields(response)
    usage = fields(response.get("usage"))
    before, after = fields(usage.get("input_tokens_details")), fields(usage.get("output_tokens_details"))
    reason = _finish_reason(response)
    return _known(
        {
            **_identity(response),
            names.CONVERSATION_ID: text(response.get("conversation"), "id"),
            names.RESPONSE_FINISH_REASONS: [reason] if reason else None,
            names.USAGE_INPUT_TOKENS: whole(usage, "input_tokens"),
            names.USAGE_OUTPUT_TOKENS: whole(usage, "output_tokens"),
            names.USAGE_CACHE_READ_INPUT_TOKENS: whole(before, "cached_tokens") or None,
            names.USAGE_CACHE_WRITE_INPUT_TOKENS: whole(before, "cache_write_tokens") or None,
            names.USAGE_REASONING_OUTPUT_TOKENS: whole(after, "reasoning_tokens") or None,
            # Answered with HTTP 200, failed nevertheless.
            names.ERROR_TYPE: _failure(response),
        }
    )


def responses_output(response: Any) -> Content:
    """All output items as the parts of one message."""
    parts = [part for item in items(response, "output") for part in parts_of_item(item)]
    message = said.message("assistant", parts, finish_reason=_finish_reason(response))
    return {names.OUTPUT_MESSAGES: [message] if parts else None}


def embeddings_response(response: Any) -> Attributes:
    """Attributes of an embeddings answer; vectors are not recorded."""
    vector = field(next(iter(items(response, "data")), None), "embedding")
    return _known(
        {
            names.RESPONSE_MODEL: text(response, "model"),
            names.USAGE_INPUT_TOKENS: whole(field(response, "usage"), "prompt_tokens"),
            names.EMBEDDINGS_DIMENSION_COUNT: len(vector) if isinstance(vector, (list, tuple)) else None,
        }
    )


def completion_of(error: BaseException) -> Any:
    """The completion that a ``LengthFinishReasonError`` carries: structured output cut short is paid for as well."""
    return field(error, "completion")


def _identity(response: Any) -> dict[str, Any]:
    return {
        names.RESPONSE_ID: text(response, "id"),
        names.RESPONSE_MODEL: text(response, "model"),
        _SERVICE_TIER: text(response, "service_tier"),
    }


def _known(attributes: dict[str, Any]) -> Attributes:
    return {name: value for name, value in attributes.items() if value is not None}


def _finish_reason(response: Any) -> str | None:
    status = text(response, "status")
    if status == "completed":
        calls = any(text(item, "type") in ("function_call", "custom_tool_call") for item in items(response, "output"))
        return "tool_calls" if calls else "stop"
    if status == "incomplete":
        reason = text(field(response, "incomplete_details"), "reason") or "error"
        return _INCOMPLETE.get(reason, reason)
    return "error" if status in ("failed", "cancelled", "in_progress") else None


def _failure(response: Any) -> str | None:
    if text(response, "status") != "failed":
        return None
    return text(field(response, "error"), "code") or names.ERROR_TYPE_OTHER
