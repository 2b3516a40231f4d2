"""Arguments of a client's methods, or the body of a request → attributes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.fields import field, items, text, whole
from langfuse_otel.instrumentation.parameters import SAMPLING, Parameters, attributes_of


def output_type(given: Mapping[str, Any], name: str) -> str | None:
    """The type of output that a field asks for: a format as the API takes it, or the class of a model to be filled."""
    asked = field(given, name)
    if isinstance(asked, type):
        return "json"
    kind = text(asked, "type")
    return "json" if kind in ("json_object", "json_schema") else kind


_COMPLETION: Parameters = {**SAMPLING, "service_tier": ("openai.request.service_tier", text)}
_CHAT: Parameters = {
    **_COMPLETION,
    "max_completion_tokens": (names.REQUEST_MAX_TOKENS, whole),
    "reasoning_effort": (names.REQUEST_REASONING_LEVEL, text),
    "response_format": (names.OUTPUT_TYPE, output_type),
    "modalities": (names.OUTPUT_TYPE, lambda given, name: "speech" if "audio" in items(given, name) else None),
}

completion_request = partial(attributes_of, parameters=_COMPLETION)
chat_request = partial(attributes_of, parameters=_CHAT)
