"""Every text inside a value: looked at, or replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from langfuse_otel.json_safe import json_safe

_MAX_DEPTH = 64
_FIRST_LONG_NUMBER = 10**12
_NO_TEXT = frozenset((bool, float, type(None)))


def any_text(values: Iterable[Any], is_wanted: Callable[[str], bool], min_characters: int = 0) -> bool:
    """Whether ``is_wanted`` says so of any text of ``min_characters`` or more that `each_text` would replace.

    Builds nothing and calls nothing for short texts, so it takes a fraction of the time: worth asking first where most
    values have nothing to replace.
    """
    waiting = list(values)
    for value in waiting:  # grows while it is gone through
        kind = type(value)
        if kind is str:
            if len(value) >= min_characters and is_wanted(value):
                return True
        elif kind is dict:
            waiting.extend(value.values())
        elif kind is list or kind is tuple:
            waiting.extend(value)
        elif kind is int:
            if value >= _FIRST_LONG_NUMBER:
                waiting.append(str(value))
        elif isinstance(value, msgspec.Struct):
            waiting.extend(filter(None, msgspec.structs.astuple(value)))
        elif kind not in _NO_TEXT:
            waiting.append(json_safe(value))
    return False


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
