"""Observations made ready to send, and packed into requests."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import NamedTuple, TypeAlias

from langfuse_otel.observation import Observation
from langfuse_otel.settings import Settings
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

_UNDER_WAY_SHARE = 10  # of the queue's bytes: what all workers have loaded
_LEAST_LOAD_BYTES = 256 * 1024
_NONE: tuple[list[Item], int] = ([], 0)


def max_load_bytes(settings: Settings) -> int:
    """What a worker takes at a time: a request, but no more than keeps the memory of all requests under way small.

    A load is there three times: as observations, whose spans' bytes still count as the queue's, and besides as encoded
    ones and as a request.
    """
    share = settings.max_queue_bytes // (_UNDER_WAY_SHARE * settings.max_concurrent_requests)
    return min(settings.max_batch_bytes, max(share, _LEAST_LOAD_BYTES))


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
