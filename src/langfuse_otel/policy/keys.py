"""Attribute keys by pattern, as they stand in an observation's metadata."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable

_MAX_REMEMBERED = 2_048


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a key matches one of ``patterns``, whole and by case; ``*`` stands for any characters.

    ``attributes.`` in front of a key is looked through: metadata of one key keep apart so (`conventions.registry`).
    Answers are remembered, as the same few keys come with each span.
    """
    alternatives = "|".join(map(_expression, patterns))
    if not alternatives:
        return lambda key: False
    fullmatch = re.compile(rf"(?:attributes\.)*(?:{alternatives})", re.DOTALL).fullmatch

    @functools.lru_cache(maxsize=_MAX_REMEMBERED)
    def matches(key: str) -> bool:
        return fullmatch(key) is not None

    return matches


def _expression(pattern: str) -> str:
    return ".*".join(map(re.escape, re.sub(r"\*+", "*", pattern).split("*")))
