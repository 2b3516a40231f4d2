"""Observations made ready to send, and packed into requests."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import NamedTuple, TypeAlias

from langfuse_otel.observation import Observation
from langfuse_otel.wire.encoded import Encoded


class Item(NamedTuple):
    """An observation and its bytes. It stays, as a change of wire encodes it again.

    ``key`` is where the intake keeps it on disk, None when it is in memory only; ``is_cut``: the server found it too
    large, and its content was cut.
    """

    observation: Observation
    encoded: Encoded
    key: Hashable | None = None
    is_cut: bool = False


Batch: TypeAlias = tuple[Item, ...]

_NONE: tuple[list[Item], int] = ([], 0)


def pack(items: Iterable[Item], max_bytes: int) -> list[Batch]:
    """Fill batches in order, each up to ``max_bytes`` and for one wire; an item over that goes alone and lets the
    server judge.

    Sizes are added up as ``wire.encoded.Wire`` asks.
    """
    batches: list[list[Item]] = []
    filling: dict[str, tuple[list[Item], int]] = {}  # by wire, as scores go to another endpoint than what they judge
    for item in items:
        wire = item.encoded.wire
        added = len(item.encoded.group) + len(item.encoded.body)
        batch, size = filling.get(wire, _NONE)
        if not batch or size + added > max_bytes:
            batch, size = [], 0
            batches.append(batch)
        batch.append(item)
        filling[wire] = batch, size + added
    return [tuple(batch) for batch in batches]


def halves(batch: Batch) -> tuple[Batch, Batch]:
    """A batch of two and more, cut in the middle."""
    middle = len(batch) // 2
    return batch[:middle], batch[middle:]
