"""Answers of the API → attributes and messages: models, decoded bodies and joined chunks alike."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.declare import Attributes, Content
from langfuse_otel.instrumentation.fields import is_whole, items, known, put_texts
from langfuse_otel.instrumentation.generate_content.contents import get, message_of, spelled, word

_IDENTITY = {"response_id": names.RESPONSE_ID, "model_version": names.RESPONSE_MODEL}
_COUNTS = (
    *("prompt_token_count", "tool_use_prompt_token_count", "cached_content_token_count"),
    *("candidates_token_count", "thoughts_token_count"),
)


def generate_response(response: Any) -> Attributes:
    """Attributes of an answer."""
    usage = get(response, "usage_metadata")
    asked, by_tools, cached, answered, thought = (_count(usage, name) for name in _COUNTS)
    reasons = [_finish_reason(candidate) or "error" for candidate in items(response, "candidates")]
    if get(get(response, "prompt_feedback"), "block_reason") is not None:
        reasons = reasons or ["content_filter"]
    attributes = known(
        {
            names.RESPONSE_FINISH_REASONS: reasons or None,
            # What the provider counts apart, the conventions' totals include.
            names.USAGE_INPUT_TOKENS: None if asked is None else asked + (by_tools or 0),
            names.USAGE_OUTPUT_TOKENS: None if answered is thought is None else (answered or 0) + (thought or 0),
            names.USAGE_CACHE_READ_INPUT_TOKENS: cached or None,
            names.USAGE_REASONING_OUTPUT_TOKENS: thought or None,
            names.USAGE_AUDIO_INPUT_TOKENS: _audio(usage, "prompt_tokens_details"),
            names.USAGE_AUDIO_OUTPUT_TOKENS: _audio(usage, "candidates_tokens_details"),
        }
    )
    put_texts(attributes, spelled(response, _IDENTITY), _IDENTITY)
    return attributes


def generate_output(response: Any) -> Content:
    """One message a candidate."""
    candidates = items(response, "candidates")
    return {names.OUTPUT_MESSAGES: [message_of(get(given, "content"), _finish_reason(given)) for given in candidates]}


def _finish_reason(candidate: Any) -> str | None:
    reason = word(get(candidate, "finish_reason"))
    return None if reason is None else reason.lower()


def _audio(usage: Any, name: str) -> int | None:
    details = items({name: get(usage, name)}, name)
    counts = [_count(detail, "token_count") for detail in details if get(detail, "modality") == "AUDIO"]
    return sum(filter(None, counts)) or None


def _count(counted: Any, name: str) -> int | None:
    value = get(counted, name)
    return value if is_whole(value) else None
