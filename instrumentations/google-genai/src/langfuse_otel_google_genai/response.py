"""Answers of the API → attributes and messages: models and joined chunks alike."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import Attributes, Content
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.fields import items, known, text, whole
from langfuse_otel_google_genai.contents import get, message_of


def generate_response(response: Any) -> Attributes:
    """Attributes of an answer."""
    usage = get(response, "usage_metadata")
    asked, answered = whole(usage, "prompt_token_count"), whole(usage, "candidates_token_count")
    by_tools, thought = whole(usage, "tool_use_prompt_token_count"), whole(usage, "thoughts_token_count")
    reasons = [_finish_reason(candidate) or "error" for candidate in items(response, "candidates")]
    if get(get(response, "prompt_feedback"), "block_reason") is not None:
        reasons = reasons or ["content_filter"]
    return known(
        {
            names.RESPONSE_ID: text(response, "response_id"),
            names.RESPONSE_MODEL: text(response, "model_version"),
            names.RESPONSE_FINISH_REASONS: reasons or None,
            # What the provider counts apart, the conventions' totals include.
            names.USAGE_INPUT_TOKENS: None if asked is None else asked + (by_tools or 0),
            names.USAGE_OUTPUT_TOKENS: None if answered is thought is None else (answered or 0) + (thought or 0),
            names.USAGE_CACHE_READ_INPUT_TOKENS: whole(usage, "cached_content_token_count") or None,
            names.USAGE_REASONING_OUTPUT_TOKENS: thought or None,
            names.USAGE_AUDIO_INPUT_TOKENS: _audio(usage, "prompt_tokens_details"),
            names.USAGE_AUDIO_OUTPUT_TOKENS: _audio(usage, "candidates_tokens_details"),
        }
    )


def generate_output(response: Any) -> Content:
    """One message a candidate."""
    candidates = items(response, "candidates")
    return {names.OUTPUT_MESSAGES: [message_of(get(given, "content"), _finish_reason(given)) for given in candidates]}


def embed_response(response: Any) -> Attributes:
    """Attributes of embeddings; vectors are not recorded."""
    embeddings = items(response, "embeddings")
    counts = [get(get(embedding, "statistics"), "token_count") for embedding in embeddings]
    tokens = [int(count) for count in counts if isinstance(count, (int, float))]
    vector = get(next(iter(embeddings), None), "values")
    return known(
        {
            names.USAGE_INPUT_TOKENS: sum(tokens) if tokens else None,
            names.EMBEDDINGS_DIMENSION_COUNT: len(vector) if isinstance(vector, list) else None,
        }
    )


def api_failure(error: BaseException) -> Attributes:
    """The status code of the answer."""
    return known({names.STATUS_CODE: whole(error, "code")})


def _finish_reason(candidate: Any) -> str | None:
    reason = get(candidate, "finish_reason")
    return None if reason is None else str(getattr(reason, "value", reason)).lower()


def _audio(usage: Any, details: str) -> int | None:
    counts = [whole(detail, "token_count") for detail in items(usage, details) if get(detail, "modality") == "AUDIO"]
    return sum(filter(None, counts)) or None
