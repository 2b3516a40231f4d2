"""A row on its way through this process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from langfuse_otel.delivery.spool.file import SpoolFile


class Key(NamedTuple):
    """Says which row of which file."""

    file: SpoolFile
    row_id: int


class Row(NamedTuple):
    """What was put, to be sent.

    Attributes:
        key: For ``Spool.acknowledge``, ``quarantine`` and ``put_back``.
        body: As it was put.
        stored_at: When, seconds since the epoch.
    """

    key: Key
    body: bytes
    stored_at: float


def by_file(keys: Iterable[Key]) -> Mapping[SpoolFile, list[int]]:
    """The ids of the rows in each file."""
    found: defaultdict[SpoolFile, list[int]] = defaultdict(list)
    for file, row_id in keys:
        found[file].append(row_id)
    return found
