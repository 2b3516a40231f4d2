"""Structures that were flattened into attribute keys: ``prompt.0.role``, ``prompt.0.tool_calls.1.name``.

Instrumentations do so because an attribute value cannot be a list of objects. What is put together here is as large as
what came in, whatever the keys say: an index is a position among the others, not room for all that are missing.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Mapping
from typing import Any

MAX_SLOTS = 10_000
"""Indices are 0 to 9,999, as many as Langfuse's server reads; any other number is the name of an entry."""

MAX_DEPTH = 32
"""What is nested deeper stays flat: the rest of the key is the name of the entry."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,3}", re.ASCII)
# What is remembered of keys, as a program's come again with each span; longer ones are worked out anew.
_MAX_KEYS, _MAX_KEY_CHARACTERS = 4_096, 256
_MAX_SHAPES, _MAX_SHAPE_KEYS = 1_024, 64
_ONLY_INDICES, _ONLY_NAMES = {int}, {str}


class _Branch(dict[str | int, Any]):
    """Entries that share the beginning of their keys, as opposed to a mapping that is a value."""


def unflatten(family: Mapping[str, Any]) -> Any:
    """What the keys after a prefix spell: ``{"0.role": "user"}`` is ``[{"role": "user"}]``.

    Entries with nothing but indices are a list in the order of these, without the gaps that a limit on attributes
    leaves; other entries are a dict, in the order they came. A name that has a value and entries keeps its value, and
    the entries stay flat beside it. Every value is in the result, once and as it was. Never raises.
    """
    # One after the other the items of a list have the same few keys: each such set is taken apart only once.
    items: dict[str | int, dict[str, Any]] = {}
    for key, value in family.items():
        index, rest = _known_head(key) if len(key) <= _MAX_KEY_CHARACTERS else ("", "")
        if not rest:
            return _nested(family, MAX_DEPTH)
        if index in items:
            items[index][rest] = value
        else:
            items[index] = {rest: value}
    return _settled({index: _item(entries) for index, entries in items.items()})


def _item(entries: dict[str, Any]) -> Any:
    if len(entries) > _MAX_SHAPE_KEYS:
        return _nested(entries, MAX_DEPTH - 1)
    return _filled(_known_shape(tuple(entries)), list(entries.values()))


def _shape(keys: tuple[str, ...]) -> Any:
    """The structure that these keys spell, with their positions in it instead of values."""
    return _nested({key: position for position, key in enumerate(keys)}, MAX_DEPTH - 1)


def _filled(shape: Any, values: list[Any]) -> Any:
    if type(shape) is int:
        return values[shape]
    if type(shape) is list:
        return [_filled(inner, values) for inner in shape]
    return {name: values[inner] if type(inner) is int else _filled(inner, values) for name, inner in shape.items()}


def _head(key: str) -> tuple[str | int, str]:
    """The first step of a key, and what follows it: empty if that is the whole key."""
    head, _, rest = key.partition(".")
    return _step(head), rest


def _nested(family: Mapping[str, Any], max_depth: int) -> Any:
    root = _Branch()
    keys = family.keys()
    for key, value in family.items():
        *branches, name = key.split(".", max_depth - 1)
        above = list(itertools.accumulate(branches, "{}.{}".format))  # the keys that values in their places would have
        if not keys.isdisjoint(above):
            depth = next(depth for depth, prefix in enumerate(above) if prefix in keys)
            branches, name = branches[:depth], key[len(above[depth - 1]) + 1 :] if depth else key
        branch = root
        for step in map(_step, branches):
            entry = branch.get(step)
            if entry is None:
                entry = branch[step] = _Branch()
            branch = entry
        branch[_step(name)] = value
    return _all_settled(root)


def _step(name: str) -> str | int:
    return int(name) if _INDEX.fullmatch(name) else name


def _all_settled(branch: _Branch) -> Any:
    return _settled({name: _all_settled(entry) if type(entry) is _Branch else entry for name, entry in branch.items()})


def _settled(entries: dict[str | int, Any]) -> Any:
    kinds = set(map(type, entries))
    if kinds == _ONLY_INDICES:
        return [entries[index] for index in sorted(entries)]
    return entries if kinds == _ONLY_NAMES else {str(name): entry for name, entry in entries.items()}


_known_head = functools.lru_cache(_MAX_KEYS)(_head)
_known_shape = functools.lru_cache(_MAX_SHAPES)(_shape)
