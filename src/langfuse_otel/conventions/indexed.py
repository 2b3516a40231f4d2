"""Structures that were flattened into attribute keys: ``prompt.0.role``, ``prompt.0.tool_calls.1.name``.

Instrumentations do so because an attribute value cannot be a list of objects. What is put together here is as large as
what came in, whatever the keys say: an index is a position among the others, not room for all that are missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MAX_SLOTS = 10_000
"""Indices are 0 to 9,999, as many as Langfuse's server reads; any other number is the name of an entry."""

MAX_DEPTH = 32
"""What is nested deeper stays flat: the rest of the key is the name of the entry."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,3}", re.ASCII)


class _Branch(dict[str, Any]):
    """Entries that share the beginning of their keys, as opposed to a mapping that is a value."""


def unflatten(family: Mapping[str, Any]) -> Any:
    """What the keys after a prefix spell: ``{"0.role": "user"}`` is ``[{"role": "user"}]``.

    Entries with nothing but indices are a list in the order of these, without the gaps that a limit on attributes
    leaves; other entries are a dict, in the order they came. A name that has a value and entries keeps its value, and
    the entries stay flat beside it. Every value is in the result, once and as it was. Never raises.
    """
    root = _Branch()
    for key, value in family.items():
        branch, start = root, 0
        for _ in range(MAX_DEPTH - 1):
            end = key.find(".", start)
            if end < 0 or key[:end] in family:
                break
            branch = branch.setdefault(key[start:end], _Branch())
            start = end + 1
        branch[key[start:]] = value
    return _settled(root)


def _settled(branch: _Branch) -> Any:
    entries = {name: _settled(entry) if type(entry) is _Branch else entry for name, entry in branch.items()}
    if entries and all(map(_INDEX.fullmatch, entries)):
        return [entries[index] for index in sorted(entries, key=int)]
    return entries
