"""Token usage: units by kind, ``total`` among them (langfuse-api.md, sections 2 and 3.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from langfuse_otel.server.otlp_spans import Attributes

_GIVEN = "langfuse.observation.usage_details"
_PREFIXES = ("gen_ai.usage.", "llm.token_count.")
_NAMES = {
    "input": ("prompt_tokens", "input_tokens", "prompt"),
    "output": ("completion_tokens", "output_tokens", "completion"),
    "total": ("total_tokens", "total"),
    "input_cached_tokens": (
        "cache_read.input_tokens",
        "cache_read_input_tokens",
        "cache_read_tokens",
        "details.cache_read_tokens",
        "details.cache_read_input_tokens",
        "prompt_details.cache_read",
        "input_cached_tokens",
    ),
    "input_cache_creation": (
        "cache_creation.input_tokens",
        "cache_creation_input_tokens",
        "cache_write_tokens",
        "details.cache_write_tokens",
        "details.cache_creation_input_tokens",
        "prompt_details.cache_write",
        "input_cache_creation",
    ),
    "output_reasoning_tokens": ("reasoning.output_tokens", "completion_details.reasoning"),
    "output_audio_tokens": ("completion_details.audio",),
}
_KIND = {name: kind for kind, names in _NAMES.items() for name in names}
_OPENAI_CHAT = ("prompt_tokens", "completion_tokens")
_OPENAI_RESPONSES = ("input_tokens", "output_tokens")


def usage_from_attributes(attributes: Attributes) -> dict[str, int]:
    """Langfuse's own attribute wins whole; it holds exclusive parts. The other conventions count inclusively."""
    given = attributes.get(_GIVEN)
    if given is not None:
        if not isinstance(given, str):
            return {}
        try:
            details = msgspec.json.decode(given)
        except msgspec.DecodeError:
            pass
        else:
            return usage_from_details(details) if isinstance(details, dict) else {}
    return with_total(_exclusive(attributes))


def usage_from_details(details: Mapping[str, Any]) -> dict[str, int]:
    """The map of an event or of Langfuse's attribute; exactly OpenAI's shape is brought into Langfuse's."""
    for before, after in (_OPENAI_CHAT, _OPENAI_RESPONSES):
        optional = {f"{before}_details", f"{after}_details"}
        if set(details) - optional == {before, after, "total_tokens"}:
            return with_total(_from_openai(details, before, after))
    return with_total({name: count for name, value in details.items() if (count := _count(value)) is not None})


def with_total(usage: dict[str, int]) -> dict[str, int]:
    """``total`` added when it is missing: the sum of all kinds."""
    if usage and "total" not in usage:
        usage["total"] = sum(usage.values())
    return usage


def _from_openai(details: Mapping[str, Any], before: str, after: str) -> dict[str, int]:
    usage = {"total": _count(details["total_tokens"]) or 0}
    for kind, name in (("input", before), ("output", after)):
        parts = details.get(f"{name}_details")
        exclusive = _count(details[name]) or 0
        for part, value in (parts if isinstance(parts, dict) else {}).items():
            count = _count(value)
            if count is not None:
                usage[f"{kind}_{part}"] = count
                exclusive -= count
        usage[kind] = max(0, exclusive)
    return usage


def _exclusive(attributes: Attributes) -> dict[str, int]:
    usage: dict[str, int] = {}
    for name, value in attributes.items():
        prefix = next((prefix for prefix in _PREFIXES if name.startswith(prefix)), None)
        kind = None if prefix is None else _KIND.get(name[len(prefix) :], name[len(prefix) :].removeprefix("details."))
        count = None if kind in (None, "cost") else _count(value)
        if kind is not None and count is not None:
            usage.setdefault(kind, count)
    for kind, parts in (
        ("input", ("input_cached_tokens", "input_cache_creation")),
        ("output", ("output_reasoning_tokens", "output_audio_tokens")),
    ):
        if kind in usage:
            usage[kind] = max(0, usage[kind] - sum(usage.get(part, 0) for part in parts))
    return usage


def _count(value: Any) -> int | None:
    """Whole numbers from 0, also as decimal text; nothing else counts."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
