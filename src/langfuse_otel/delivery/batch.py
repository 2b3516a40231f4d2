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


def pack(items: Iterable[Item], max_bytes: int) -> list[Batch]:
    """Fill batches in order, each up to ``max_bytes``; an item over that goes alone and lets the server judge.

    Sizes are added up as ``wire.encoded.Wire`` asks.
    """
    batches: list[Batch] = []
    batch: list[Item] = []
    size = 0
    for item in items:
        added = len(item.encoded.group) + len(item.encoded.body)
        if batch and size + added > max_bytes:
            batches.append(tuple(batch))
            batch, size = [], 0
        batch.append(item)
        size += added
    if batch:
        batches.append(tuple(batch))
    return batches


def halves(batch: Batch) -> tuple[Batch, Batch]:
    """A batch of two and more, cut in the middle."""
    middle = len(batch) // 2
    return batch[:middle], batch[middle:]
