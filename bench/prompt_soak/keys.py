"""Keys of what reads alike: every address, public key, name, and version or label has its own."""

from __future__ import annotations

import contextlib
import random
from typing import Any, TypeAlias

from langfuse_otel.errors import InvalidRequestError
from langfuse_otel.prompts.cache import key_of
from langfuse_otel.prompts.known import scope_of
from langfuse_otel.prompts.models import Selector
from langfuse_otel.prompts.stores.base import store_key

Thing: TypeAlias = tuple[str, str, Selector]
"""Base URL, public key, and what is selected in this project."""

WORDS = (
    *("a", "b", "A", "1", "2", "01", "é", "e\u0301", "..", "%2F", "%7C"),
    *("production", "label", "version", "label:", "version:", "version:1", "-label:", "-version:"),
    *("-", "/", ":", "|", "+", " ", "\0", "\n", '"', '","', "\\"),
)


def generated(source: random.Random, words: list[str]) -> Thing:
    """These words, cut somewhere into address, public key, name, and version or label."""
    while True:
        cuts = sorted(source.randrange(len(words) + 1) for _ in range(3))
        address, public_key, name, which = (
            "".join(words[start:end]) for start, end in zip([0, *cuts], [*cuts, len(words)], strict=True)
        )
        is_version = which.isascii() and which.isdigit() and source.random() < 0.5
        with contextlib.suppress(InvalidRequestError):  # what is blank, or cannot be
            selector = Selector(name, version=int(which)) if is_version else Selector(name, label=which or None)
            return f"https://h/{address}".rstrip("/"), public_key, selector
        words = [*words, source.choice(WORDS)]


def collide(pairs: int) -> dict[str, Any]:
    """Of two things that read alike, or are the same: have they one key only if they are the same?"""
    source = random.Random(7)
    collisions: list[str] = []
    same = alike = 0
    for _ in range(pairs):
        words = source.choices(WORDS, k=source.randint(2, 7))
        one, other = generated(source, words), generated(source, words)
        is_same = one == other
        same += is_same
        alike += not is_same and _joined(one) == _joined(other)
        for kind, keys in zip(("scope", "memory", "store"), zip(_keys(one), _keys(other), strict=True), strict=True):
            is_meant = one[:2] == other[:2] if kind == "scope" else is_same
            if (keys[0] == keys[1]) is not is_meant:
                collisions.append(f"{kind}: {one} {other}")
    return {"pairs": pairs, "same": same, "alike": alike, "collisions": len(collisions), "examples": collisions[:3]}


def _keys(thing: Thing) -> tuple[object, object, object]:
    scope, selector = scope_of(*thing[:2]), thing[2]
    return scope, key_of(scope, selector), store_key(scope, selector)


def _joined(thing: Thing) -> str:
    selector = thing[2]
    return f"{thing[0]}{thing[1]}{selector.name}{selector.version or selector.label}"
