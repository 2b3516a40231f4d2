"""A prompt with its variables set apart, as Langfuse's template language finds them: ``{{`` to the next ``}}``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from langfuse_otel.server.pages.json_text import pretty

_TAG = re.compile(r"(\{\{.*?\}\})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Piece:
    """Text, or a variable with its braces."""

    text: str
    is_variable: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A message of a chat prompt, a placeholder for messages (``role`` is placeholder), or a whole text (no role)."""

    role: str
    pieces: list[Piece]


def blocks(prompt: Any) -> list[Block]:
    """A prompt's messages, or its text as the only one."""
    return [_block(item) for item in prompt] if isinstance(prompt, list) else [Block("", _pieces(_text(prompt)))]


def variables(found: list[Block]) -> list[str]:
    """Names of the variables, each once, in order."""
    names = (piece.text[2:-2].strip() for block in found for piece in block.pieces if piece.is_variable)
    return list(dict.fromkeys(names))


def _block(item: Any) -> Block:
    if isinstance(item, dict) and item.get("type") == "placeholder":
        return Block("placeholder", [Piece(_text(item.get("name")), is_variable=False)])
    if isinstance(item, dict) and isinstance(item.get("role"), str):
        return Block(item["role"], _pieces(_text(item.get("content", ""))))
    return Block("other", _pieces(_text(item)))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else pretty(value)


def _pieces(text: str) -> list[Piece]:
    return list(_split(text))


def _split(text: str) -> Iterator[Piece]:
    for number, part in enumerate(_TAG.split(text)):
        if part:
            yield Piece(part, is_variable=number % 2 == 1)
