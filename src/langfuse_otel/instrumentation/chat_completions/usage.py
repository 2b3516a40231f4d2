"""Counts of tokens, in the two spellings of this protocol's family."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.declare import Attributes
from langfuse_otel.instrumentation.fields import fields, known, whole

# Chat completions and embeddings; everything newer; transcriptions; frameworks that bring all makers' into one form.
_INPUT, _INPUT_DETAILS = (
    ("prompt_tokens", "input_tokens"),
    ("prompt_tokens_details", "input_tokens_details", "input_token_details"),
)
_OUTPUT, _OUTPUT_DETAILS = (
    ("completion_tokens", "output_tokens"),
    ("completion_tokens_details", "output_tokens_details", "output_token_details"),
)


def usage_attributes(usage: Any) -> Attributes:
    """Totals, and those of their parts that are not 0."""
    given = fields(usage)
    before, after = _details(given, _INPUT_DETAILS), _details(given, _OUTPUT_DETAILS)
    attributes = {
        names.USAGE_INPUT_TOKENS: _count(given, *_INPUT),
        names.USAGE_OUTPUT_TOKENS: _count(given, *_OUTPUT),
        names.USAGE_CACHE_READ_INPUT_TOKENS: _count(before, "cached_tokens", "cache_read") or None,
        names.USAGE_CACHE_WRITE_INPUT_TOKENS: _count(before, "cache_write_tokens", "cache_creation") or None,
        names.USAGE_AUDIO_INPUT_TOKENS: _count(before, "audio_tokens", "audio") or None,
        names.USAGE_IMAGE_INPUT_TOKENS: whole(before, "image_tokens") or None,
        names.USAGE_REASONING_OUTPUT_TOKENS: _count(after, "reasoning_tokens", "reasoning") or None,
        names.USAGE_AUDIO_OUTPUT_TOKENS: _count(after, "audio_tokens", "audio") or None,
        names.USAGE_IMAGE_OUTPUT_TOKENS: whole(after, "image_tokens") or None,
    }
    return known(attributes)


def _count(usage: dict[str, Any], *spellings: str) -> int | None:
    return next((count for name in spellings if (count := whole(usage, name)) is not None), None)


def _details(usage: dict[str, Any], spellings: tuple[str, ...]) -> dict[str, Any]:
    return next((fields(usage[name]) for name in spellings if usage.get(name) is not None), {})
