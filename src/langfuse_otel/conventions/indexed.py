"""Structures that were flattened into attribute keys: ``prompt.0.role``, ``prompt.0.tool_calls.1.name``.

Instrumentations do so because an attribute value cannot be a list of objects. What is put together here is as large as
what came in, whatever the keys say: an index is a position among the others, not room for all that are missing.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

MAX_SLOTS = 10_000
"""Indices are 0 to 9,999, as many as Langfuse's server reads; any other number is the name of an entry."""

MAX_DEPTH = 32
"""What is nested deeper stays flat: the rest of the key is the name of the entry."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,3}", re.ASCII)
_MAX_PATHS, _MAX_PATH_CHARACTERS = 4_096, 256  # what is remembered of keys: a program's come again with each span
_ONLY_INDICES, _ONLY_NAMES = {int}, {str}


class _Path(NamedTuple):
    """A key, taken apart; indices are integers."""

    branches: tuple[str | int, ...]
    name: str | int
    above: tuple[str, ...]
    """For each branch, the key that a value in its place would have."""


class _Branch(dict[str | int, Any]):
    """Entries that share the beginning of their keys, as opposed to a mapping that is a value."""


def unflatten(family: Mapping[str, Any]) -> Any:
    """What the keys after a prefix spell: ``{"0.role": "user"}`` is ``[{"role": "user"}]``.

    Entries with nothing but indices are a list in the order of these, without the gaps that a limit on attributes
    leaves; other entries are a dict, in the order they came. A name that has a value and entries keeps its value, and
    the entries stay flat beside it. Every value is in the result, once and as it was. Never raises.
    """
    root = _Branch()
    keys = family.keys()
    for key, value in family.items():
        branches, name, above = _known_path(key) if len(key) <= _MAX_PATH_CHARACTERS else _path(key)
        if not keys.isdisjoint(above):
            depth = next(depth for depth, prefix in enumerate(above) if prefix in keys)
            branches, name = branches[:depth], key[len(above[depth - 1]) + 1 :] if depth else key
        branch = root
        for step in branches:
            entry = branch.get(step)
            if entry is None:
                entry = branch[step] = _Branch()
            branch = entry
        branch[name] = value
    return _settled(root)


def _path(key: str) -> _Path:
    *branches, name = key.split(".", MAX_DEPTH - 1)
    above = tuple(itertools.accumulate(branches, "{}.{}".format))
    return _Path(tuple(map(_step, branches)), _step(name), above)


_known_path = functools.lru_cache(_MAX_PATHS)(_path)


def _step(name: str) -> str | int:
    return int(name) if _INDEX.fullmatch(name) else name


def _settled(branch: _Branch) -> Any:
    for name, entry in branch.items():
        if type(entry) is _Branch:
            branch[name] = _settled(entry)
    kinds = set(map(type, branch))
    if kinds == _ONLY_INDICES:
        return [branch[index] for index in sorted(branch)]
    return dict(branch) if kinds == _ONLY_NAMES else {str(name): entry for name, entry in branch.items()}
