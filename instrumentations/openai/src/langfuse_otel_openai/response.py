"""Answers of the API → attributes and messages: model objects, decoded bodies and joined chunks alike."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import Attributes, Content, chat_completions
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.chat_completions import usage_attributes
from langfuse_otel.instrumentation.fields import field, fields, items, known, put_texts, text
from langfuse_otel_openai.response_items import parts_of_item

_OWN = {
    "service_tier": "openai.response.service_tier",
    "system_fingerprint": "openai.response.system_fingerprint",
}
# Why a response is incomplete, in the words that chat completions use for the same.
_INCOMPLETE = {"max_output_tokens": "length"}


def chat_response(completion: Any) -> Attributes:
    """Attributes of a chat completion, or of a completion."""
    completion = fields(completion)
    attributes = chat_completions.chat_response(completion)
    put_texts(attributes, completion, _OWN)
    return attributes


def completions_output(completion: Any) -> Content:
    """One message a choice."""
    texts = ((text(choice, "text") or "", text(choice, "finish_reason")) for choice in items(completion, "choices"))
    answers = [said.message("assistant", [said.text(answer)], finish_reason=reason) for answer, reason in texts]
    return {names.OUTPUT_MESSAGES: answers}


def responses_response(response: Any) -> Attributes:
    """Attributes of a response of the Responses API."""
    response = fields(response)
    reason = _finish_reason(response)
    attributes = {
        names.CONVERSATION_ID: text(response.get("conversation"), "id"),
        names.RESPONSE_FINISH_REASONS: [reason] if reason else None,
        # Answered with HTTP 200, failed nevertheless.
        names.ERROR_TYPE: _failure(response),
    }
    return {**identity(response), **known(attributes), **usage_attributes(response.get("usage"))}


def fetched_response(response: Any) -> Attributes:
    """Attributes of a response that is fetched again: its tokens belong to the call that made it."""
    attributes = {**identity(response), names.RESPONSE_STATUS: text(response, "status")}
    return known({**attributes, names.ERROR_TYPE: _failure(response)})


def responses_output(response: Any) -> Content:
    """All output items as the parts of one message."""
    parts = [part for item in items(response, "output") for part in parts_of_item(item)]
    message = said.message("assistant", parts, finish_reason=_finish_reason(response))
    return {names.OUTPUT_MESSAGES: [message] if parts else None}


def embeddings_response(response: Any) -> Attributes:
    """Attributes of an embeddings answer; vectors are not recorded."""
    vector = field(next(iter(items(response, "data")), None), "embedding")
    size = {names.EMBEDDINGS_DIMENSION_COUNT: len(vector)} if isinstance(vector, (list, tuple)) else {}
    return {**identity(response), **usage_attributes(field(response, "usage")), **size}


def completion_of(error: BaseException) -> Any:
    """The completion that a ``LengthFinishReasonError`` carries: structured output cut short is paid for as well."""
    return field(error, "completion")


def identity(response: Any) -> Attributes:
    """What every answer may have."""
    attributes = {
        names.RESPONSE_ID: text(response, "id"),
        names.RESPONSE_MODEL: text(response, "model"),
        "openai.response.service_tier": text(response, "service_tier"),
    }
    return known(attributes)


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
