"""Cutting what is too long for an endpoint, so that a reader sees that it was cut, and by how much."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from langfuse_otel.json_encoding import to_json
from langfuse_otel.json_safe import json_safe, well_formed
from langfuse_otel.observation import Observation

TRUNCATED_KEY = "langfuse_otel.truncated"
"""Metadata key on an observation that was cut: the size, in bytes, that it would have had."""

_MAX_TRACE_NAME = 1_000
_MAX_ORIGIN_VALUE_BYTES = 16_384
_SMALLEST_TEXT_BYTES = 64


def truncate_text(text: str, max_bytes: int) -> str:
    """``text`` in at most ``max_bytes`` of UTF-8, never cut inside a character.

    A text that fits is returned as it is. Otherwise its beginning is kept and ends with
    ``… [truncated: 5,000 bytes]``, the number being the whole text's size; where not even that note fits, its
    beginning.
    """
    if len(text) * 4 <= max_bytes:
        return text
    encoded = well_formed(text).encode()
    if len(encoded) <= max_bytes:
        return text
    note = f"… [truncated: {len(encoded):,} bytes]".encode()
    kept = encoded[: max(0, max_bytes - len(note))].decode(errors="ignore").encode()
    return (kept + note)[:max_bytes].decode(errors="ignore")


def trace_name(name: str) -> str:
    """A trace's name cut to 1,000 characters; a longer one fails the server's schema (langfuse-api.md, section 2)."""
    return name if len(name) <= _MAX_TRACE_NAME else truncate_text(name, _MAX_TRACE_NAME)


def origin_attributes(attributes: Mapping[str, object]) -> dict[str, Any]:
    """Attributes of a resource or scope as JSON-safe values of at most 16 KiB each: they go with every request."""
    return {key: _cut_value(value, _MAX_ORIGIN_VALUE_BYTES) for key, value in json_safe(dict(attributes)).items()}


def truncate_observation(observation: Observation, encode: Callable[[Observation], bytes], max_bytes: int) -> bytes:
    """``observation`` encoded in at most ``max_bytes``, by cutting its longest values until it fits.

    Cut are input, output, metadata and passed-through attributes, which become JSON text for it, and free texts; each
    value is allowed half of ``max_bytes`` at first, and less each time. Model, usage, cost and ids are never cut. The
    metadata say so under `TRUNCATED_KEY`. An observation of very many keys loses its metadata.
    """
    original_bytes = len(encode(observation))
    note = {TRUNCATED_KEY: original_bytes}
    text_bytes = max_bytes // 2
    while text_bytes >= _SMALLEST_TEXT_BYTES:
        encoded = encode(_cut(observation, text_bytes, note))
        if len(encoded) <= max_bytes:
            return encoded
        text_bytes //= 2
    bare = _cut(observation, _SMALLEST_TEXT_BYTES, note)
    return encode(
        msgspec.structs.replace(
            bare,
            metadata=note,
            trace_metadata={},
            passthrough={},
            tags=(),
            model_parameters=None,
            usage=None,
            cost=None,
        )
    )


def _cut(observation: Observation, text_bytes: int, note: dict[str, int]) -> Observation:
    def text(value: str | None) -> str | None:
        return None if value is None else truncate_text(value, text_bytes)

    def each(values: dict[str, Any]) -> dict[str, Any]:
        return {truncate_text(key, text_bytes): _cut_value(value, text_bytes) for key, value in values.items()}

    return msgspec.structs.replace(
        observation,
        name=truncate_text(observation.name, text_bytes),
        status_message=text(observation.status_message),
        input=_cut_value(observation.input, text_bytes),
        output=_cut_value(observation.output, text_bytes),
        metadata=each(observation.metadata) | note,
        trace_metadata=each(observation.trace_metadata),
        passthrough=each(observation.passthrough),
        model=text(observation.model),
        model_parameters=each(observation.model_parameters) if observation.model_parameters else None,
        prompt_name=text(observation.prompt_name),
        user_id=text(observation.user_id),
        session_id=text(observation.session_id),
        trace_name=text(observation.trace_name),
        tags=tuple(truncate_text(tag, text_bytes) for tag in observation.tags),
        release=text(observation.release),
        version=text(observation.version),
    )


def _cut_value(value: Any, max_bytes: int) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return truncate_text(value, max_bytes)
    encoded = to_json(value)
    return value if len(encoded) <= max_bytes else truncate_text(encoded.decode(), max_bytes)
