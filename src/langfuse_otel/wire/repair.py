"""Making an observation encodable whose encoding failed, which is rare and may therefore be slow."""

from __future__ import annotations

from typing import Any

import msgspec

from langfuse_otel.json_safe import json_safe
from langfuse_otel.observation import Message, Observation


def repaired(observation: Observation) -> Observation:
    """The observation with only JSON-safe values: lone surrogates as escapes, nesting below 64 levels as text."""
    safe: dict[str, Any] = {}
    for name in observation.__struct_fields__:
        value = getattr(observation, name)
        if isinstance(value, (str, dict, list, tuple, Message)):
            safe[name] = json_safe(_builtins(value))
    safe["tags"] = tuple(safe["tags"])
    return msgspec.structs.replace(observation, **safe)


def _builtins(value: object) -> object:
    """Messages as dicts."""
    try:
        return msgspec.to_builtins(value, builtin_types=(bytes,), str_keys=True, enc_hook=str)
    except RecursionError:
        return value
