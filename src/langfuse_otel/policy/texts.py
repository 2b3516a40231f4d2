"""Every text inside a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from langfuse_otel.json_safe import json_safe

_MAX_DEPTH = 64
_FIRST_LONG_NUMBER = 10**12


def each_text(value: Any, replace: Callable[[str], str], depth: int = 0) -> Any:
    """``value`` with ``replace`` applied to each text in it, but for the keys of dicts; the same object if that changes
    nothing.

    Goes through lists, tuples, dicts and structs (messages and their tool calls), and never alters them in place. A
    whole number of 13 digits or more counts as text, since card numbers come as numbers too. What lies more than 64
    levels deep becomes one text.
    """
    kind = type(value)
    if kind is str:
        return replace(value)
    if value is None or kind is bool or kind is float:
        return value
    if kind is int:
        if value < _FIRST_LONG_NUMBER:
            return value
        digits = str(value)
        replaced = replace(digits)
        return value if replaced == digits else replaced
    if depth >= _MAX_DEPTH:
        return replace(json_safe(value, _MAX_DEPTH))
    if kind is dict:
        return _items(value, value.items(), replace, depth)
    if kind is list:
        return _items(value, enumerate(value), replace, depth)
    if kind is tuple:
        found = list(value)
        replaced_items = _items(found, enumerate(found), replace, depth)
        return value if replaced_items is found else tuple(replaced_items)
    if isinstance(value, msgspec.Struct):
        return _fields(value, replace, depth)
    return each_text(json_safe(value), replace, depth)


def _items(container: Any, items: Any, replace: Callable[[str], str], depth: int) -> Any:
    changed = None
    for key, item in items:
        new = each_text(item, replace, depth + 1)
        if new is not item:
            if changed is None:
                changed = container.copy()
            changed[key] = new
    return container if changed is None else changed


def _fields(struct: msgspec.Struct, replace: Callable[[str], str], depth: int) -> Any:
    changed = {}
    for name in struct.__struct_fields__:
        field = getattr(struct, name)
        if field is not None:
            new = each_text(field, replace, depth + 1)
            if new is not field:
                changed[name] = new
    return msgspec.structs.replace(struct, **changed) if changed else struct
