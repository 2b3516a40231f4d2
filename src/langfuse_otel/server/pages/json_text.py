"""JSON texts to values and back, forgiving: what cannot be read stays text, what cannot be written says so."""

from __future__ import annotations

import json
from typing import Any

MAX_CHARS = 4_000_000
"""Of a text that is read as JSON; a longer one would hold its reader up for seconds and stays text."""


def structure(text: str) -> list[Any] | dict[str, Any] | None:
    """The list or object that a text is the JSON of; None for every other text."""
    if len(text) > MAX_CHARS or not text.lstrip().startswith(("[", "{")):
        return None
    try:  # the standard library's decoder also takes NaN and halves of surrogate pairs, which programs do write
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, (list, dict)) else None


def pretty(value: Any) -> str:
    """A value as indented JSON; a text as it is, or indented when it is JSON itself."""
    if isinstance(value, str):
        inner = structure(value)
        if inner is None:
            return value
        value = inner
    try:
        return json.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply to be laid out)"
