"""Content blocks of a streamed message: each is begun, grows piece by piece, and is told by its index."""

from __future__ import annotations

from typing import Any, TypeAlias

from langfuse_otel.instrumentation.fields import fields

Path: TypeAlias = tuple[str, ...]
"""Where in a block the text stands that grows: a field, or one within others."""


class Blocks:
    """Joins the pieces of all blocks of one message."""

    def __init__(self) -> None:
        self._begun: dict[int, dict[str, Any]] = {}
        self._pieces: dict[tuple[int, Path], list[str]] = {}

    def begin(self, index: int, block: dict[str, Any]) -> None:
        """A block has begun, perhaps with the first words in it."""
        self._begun[index] = block

    def grow(self, index: int, path: Path, piece: str) -> None:
        """A piece has come; of a block that did not begin, it is the beginning."""
        self._pieces.setdefault((index, path), []).append(piece)

    def joined(self) -> list[dict[str, Any]]:
        """The blocks so far, in their order."""
        blocks = dict(self._begun)
        for (index, path), pieces in self._pieces.items():
            blocks[index] = _grown(blocks.get(index, {}), path, "".join(pieces))
        return [block for _, block in sorted(blocks.items())]


def _grown(block: dict[str, Any], path: Path, text: str) -> dict[str, Any]:
    name, *within = path
    begun = block.get(name)
    if within:
        return {**block, name: _grown(fields(begun), tuple(within), text)}
    return {**block, name: (begun if isinstance(begun, str) else "") + text}
