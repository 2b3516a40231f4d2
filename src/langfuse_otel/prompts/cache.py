"""The memory tier: prompts that were read, and reads that failed. No I/O, no thread, no waiting.

A look-up takes no lock: it reads one dictionary and marks the entry as used. Eviction gives marked entries a second
chance (the CLOCK approximation of least recently used), so that a hit never has to reorder anything.
"""

from __future__ import annotations

import random
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from langfuse_otel import fork
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.errors import NotFoundError, RateLimitedError
from langfuse_otel.prompts.models import Prompt, Selector

MAX_BYTES = 16 * 1024 * 1024
FAILURE_PAUSE_S = 5.0
_ENTRY_BYTES = 1_000  # what an entry takes beside its texts, about
_JITTER = 0.1
_MAX_PAUSE_S = 60.0

Key: TypeAlias = tuple[str, str, int | None, str | None]
"""Scope (host and project), name, version, label. A tuple of its parts, so no two keys can read alike."""


def key_of(scope: str, selector: Selector) -> Key:
    """The key of a prompt within one project."""
    return scope, selector.name, selector.version, selector.label


class Entry:
    """A prompt in memory; times are the clock's monotonic seconds.

    Attributes:
        prompt: The prompt.
        fetched_at: When it was read.
        expires_at: Until when it is served without asking the server again.
        retry_at: Before this the server is not asked, as the last time failed.
        used: Whether it was served since eviction last came by.
    """

    __slots__ = ("expires_at", "fetched_at", "prompt", "retry_at", "size_bytes", "used")

    def __init__(self, prompt: Prompt, fetched_at: float, expires_at: float) -> None:
        self.prompt = prompt
        self.fetched_at = fetched_at
        self.expires_at = expires_at
        self.retry_at = fetched_at
        self.used = False
        self.size_bytes = prompt.size_bytes + _ENTRY_BYTES


@dataclass(frozen=True, slots=True)
class Failure:
    """A read that failed, with nothing in memory to serve instead; the server is asked again after ``retry_at``."""

    error: Exception
    retry_at: float


class MemoryCache:
    """Prompts by key, the least recently used out first.

    Args:
        ttl_s: How long an entry is fresh, seconds; up to 10 % less, by chance, so that not all expire at once.
        max_items: Most entries; also most failures remembered.
        max_bytes: Most memory for them. The newest entry stays even when it alone is larger.
        clock: Where the time comes from.
        random: Gives numbers from 0 to below 1.

    Attributes:
        entries: For look-ups that bypass ``get``; only this class changes it.
        generation: Rises with each invalidation; a read that began in an older one is not stored.
    """

    def __init__(
        self,
        *,
        ttl_s: float = 60.0,
        max_items: int = 1_000,
        max_bytes: int = MAX_BYTES,
        clock: Clock = SYSTEM_CLOCK,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.entries: OrderedDict[Key, Entry] = OrderedDict()
        self.generation = 0
        self._failures: OrderedDict[Key, Failure] = OrderedDict()
        self._bytes = 0
        self._ttl_s = ttl_s
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._clock = clock
        self._random = random
        self._lock = threading.RLock()
        fork.register(self)

    @property
    def size_bytes(self) -> int:
        """Memory that the entries take, about."""
        return self._bytes

    def get(self, key: Key) -> Entry | None:
        """The entry, fresh or stale; marks it as used."""
        entry = self.entries.get(key)
        if entry is not None:
            entry.used = True
        return entry

    def failure(self, key: Key) -> Failure | None:
        """How the last read failed, if it did and nothing was stored since."""
        return self._failures.get(key)

    def is_failing(self, key: Key) -> bool:
        """Whether the last read of it failed."""
        entry = self.entries.get(key)
        return key in self._failures or (entry is not None and entry.retry_at > entry.fetched_at)

    def put(self, key: Key, prompt: Prompt, *, generation: int) -> None:
        """Store what was read, unless the cache was invalidated since ``generation``: it may be from before that."""
        now = self._clock.monotonic()
        entry = Entry(prompt, now, now + self._ttl_s * (1 - _JITTER * self._random()))
        with self._lock:
            if generation != self.generation:
                return
            self._drop(key)
            self._failures.pop(key, None)
            while self.entries and (
                len(self.entries) >= self._max_items or self._bytes + entry.size_bytes > self._max_bytes
            ):
                self._evict_one()
            self.entries[key] = entry
            self._bytes += entry.size_bytes

    def fail(self, key: Key, error: Exception, *, generation: int) -> None:
        """Note that a read failed. A prompt that is gone is evicted; after any other failure the stale one stays."""
        asked_s = error.retry_after_s if isinstance(error, RateLimitedError) else None
        retry_at = self._clock.monotonic() + min(max(FAILURE_PAUSE_S, asked_s or 0.0), _MAX_PAUSE_S)
        with self._lock:
            if generation != self.generation:
                return
            if isinstance(error, NotFoundError):
                self._drop(key)
            entry = self.entries.get(key)
            if entry is not None:
                entry.retry_at = retry_at
                entry.expires_at = max(entry.expires_at, retry_at)  # until then as quick as a hit
                return
            self._failures[key] = Failure(error, retry_at)
            self._failures.move_to_end(key)
            while len(self._failures) > self._max_items:
                self._failures.popitem(last=False)

    def invalidate(self, which: Callable[[Key], bool]) -> None:
        """Forget these entries and failures, and whatever reads that are under way will bring."""
        with self._lock:
            self.generation += 1
            for key in [key for key in self.entries if which(key)]:
                self._drop(key)
            for key in [key for key in self._failures if which(key)]:
                del self._failures[key]

    def after_fork_child(self) -> None:
        """The lock may be held by a thread that is not here, in the middle of a change."""
        self._lock = threading.RLock()
        self._bytes = sum(entry.size_bytes for entry in self.entries.values())

    def _evict_one(self) -> None:
        """The oldest entry that was not used since eviction last came by; the oldest of all when every one was."""
        for _ in range(len(self.entries)):
            oldest = next(iter(self.entries))
            if not self.entries[oldest].used:
                break
            self.entries[oldest].used = False
            self.entries.move_to_end(oldest)
        self._drop(next(iter(self.entries)))

    def _drop(self, key: Key) -> None:
        entry = self.entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size_bytes
