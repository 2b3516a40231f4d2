"""What was worked out once for objects that many spans share: a resource, an instrumentation scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

_MAX_ENTRIES = 256

V = TypeVar("V")


class IdentityCache(Generic[V]):
    """Remembers ``build(*objects)`` by the identity of the objects, which must not change afterwards.

    By identity, because hashing or comparing a resource costs more than reading a span. Holds the objects of at most
    256 entries and then starts afresh. Thread-safe: the worst that two threads can do is to build one entry twice.
    """

    def __init__(self, build: Callable[..., V]) -> None:
        self._build = build
        # The objects are in the value, so that their ids are not given to others while the entry lives.
        self._entries: dict[tuple[int, ...], tuple[V, tuple[Any, ...]]] = {}

    def of(self, *objects: object) -> V:
        """The value for these objects; the same one each time."""
        key = tuple(map(id, objects))
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= _MAX_ENTRIES:
                self._entries = {}
            entry = self._entries[key] = (self._build(*objects), objects)
        return entry[0]
