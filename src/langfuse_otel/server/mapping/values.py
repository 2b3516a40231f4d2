"""Attribute values as the fields want them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from langfuse_otel.server.otlp_spans import Attributes


def first(attributes: Attributes, names: Iterable[str]) -> Any:
    """The first of these attributes that is neither missing nor empty; None without one."""
    return next((attributes[name] for name in names if attributes.get(name)), None)


def text(value: Any) -> str | None:
    """A value as text: JSON for lists and booleans; None stays."""
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def json_object(value: Any) -> dict[str, Any] | None:
    """The object that a JSON text stands for; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        decoded = msgspec.json.decode(value)
    except msgspec.DecodeError:
        return None
    return decoded if isinstance(decoded, dict) else None


def is_true(value: Any) -> bool:
    """True and ``"true"``."""
    return value is True or value == "true"
