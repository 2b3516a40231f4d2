"""Tolerant reading of what clients are given and give back: dicts, model objects, sentinels for "not given".

Every reader checks the type, so a client's sentinels (``NotGiven``, ``Omit``) and surprises of compatible servers read
as "not there" without naming them.
"""

from __future__ import annotations

from typing import Any


def field(source: Any, name: str) -> Any:
    """An item of a dict or an attribute of an object; None when there is none."""
    if isinstance(source, dict):
        return source.get(name)
    return getattr(source, name, None)


def text(source: Any, name: str) -> str | None:
    """A field that is a non-empty string."""
    value = field(source, name)
    return value if isinstance(value, str) and value else None


def whole(source: Any, name: str) -> int | None:
    """A field that is an int and no bool."""
    value = field(source, name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def number(source: Any, name: str) -> float | None:
    """A field that is a number, as float."""
    value = field(source, name)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def items(source: Any, name: str) -> list[Any] | tuple[Any, ...]:
    """A field that is a list or tuple; else empty."""
    value = field(source, name)
    return value if isinstance(value, (list, tuple)) else ()
