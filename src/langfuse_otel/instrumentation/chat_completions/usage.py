"""Counts of tokens, in the spellings of this protocol's family."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.declare import Attributes
from langfuse_otel.instrumentation.fields import fields, is_whole

# Chat completions and embeddings; everything newer; transcriptions; frameworks that bring all makers' into one form.
_TOTALS = {
    **dict.fromkeys(("prompt_tokens", "input_tokens"), names.USAGE_INPUT_TOKENS),
    **dict.fromkeys(("completion_tokens", "output_tokens"), names.USAGE_OUTPUT_TOKENS),
}
_INPUT = {
    **dict.fromkeys(("cached_tokens", "cache_read"), names.USAGE_CACHE_READ_INPUT_TOKENS),
    **dict.fromkeys(("cache_write_tokens", "cache_creation"), names.USAGE_CACHE_WRITE_INPUT_TOKENS),
    **dict.fromkeys(("audio_tokens", "audio"), names.USAGE_AUDIO_INPUT_TOKENS),
    "image_tokens": names.USAGE_IMAGE_INPUT_TOKENS,
}
_OUTPUT = {
    **dict.fromkeys(("reasoning_tokens", "reasoning"), names.USAGE_REASONING_OUTPUT_TOKENS),
    **dict.fromkeys(("audio_tokens", "audio"), names.USAGE_AUDIO_OUTPUT_TOKENS),
    "image_tokens": names.USAGE_IMAGE_OUTPUT_TOKENS,
}
_PARTS = {
    **dict.fromkeys(("prompt_tokens_details", "input_tokens_details", "input_token_details"), _INPUT),
    **dict.fromkeys(("completion_tokens_details", "output_tokens_details", "output_token_details"), _OUTPUT),
}


def usage_attributes(usage: Any) -> Attributes:
    """Totals, and those of their parts that are not 0. Goes through what is there: that is less than what may be."""
    attributes: Attributes = {}
    for name, value in fields(usage).items():
        if name in _TOTALS:
            if is_whole(value):
                attributes.setdefault(_TOTALS[name], value)
        elif value is not None and name in _PARTS:
            parts = _PARTS[name]
            for part, count in fields(value).items():
                if part in parts and is_whole(count) and count:
                    attributes.setdefault(parts[part], count)
    return attributes
