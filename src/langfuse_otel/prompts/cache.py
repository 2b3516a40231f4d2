"""The memory tier: prompts that were read, and reads that failed. No I/O, no thread, no waiting.

A look-up takes no lock: it reads one dictionary and counts the use of the entry. Eviction gives used entries a second
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
from langfuse_otel.errors import NotFoundError
from langfuse_otel.prompts.models import DEFAULT_LABEL, Prompt, Selector
from langfuse_otel.prompts.record import Record

MAX_BYTES = 16 * 1024 * 1024
FAILURE_PAUSE_S = 5.0
MAX_PAUSE_S = 60.0
_ENTRY_BYTES = 1_000  # what an entry takes beside its texts, about
_JITTER = 0.1

Key: TypeAlias = tuple[str, str, int | None, str | None]
"""Scope (host and project), name, version, label. A tuple of its parts, so no two keys can read alike."""


def key_of(scope: str, selector: Selector) -> Key:
    """The key of a prompt within one project."""
    return scope, selector.name, selector.version, selector.label


def pause_after(error: Exception) -> float:
    """Seconds for which what failed this way is not tried again: 5, or what the server asked for, up to a minute."""
    asked_s: float | None = getattr(error, "retry_after_s", None)
    return min(max(FAILURE_PAUSE_S, asked_s or 0.0), MAX_PAUSE_S)


class Entry:
    """A prompt in memory; times are the clock's monotonic seconds, but ``asked_at``.

    Attributes:
        prompt: The prompt.
        source: The tier that it came from.
        asked_at: When Langfuse was asked for it, seconds since the epoch, by the clock of the process that asked.
        fetched_at: The same by our clock.
        expires_at: Until when it is served without asking anyone again.
        retry_at: Before this nobody is asked, as the last attempt failed.
        error: How it failed; None since it was stored.
        used: How often it was served since eviction last came by; threads that race may lose a count.
    """

    __slots__ = ("asked_at", "error", "expires_at", "fetched_at", "prompt", "retry_at", "size_bytes", "source", "used")

    def __init__(self, prompt: Prompt, source: str, asked_at: float, fetched_at: float, expires_at: float) -> None:
        self.prompt = prompt
        self.source = source
        self.asked_at = asked_at
        self.fetched_at = fetched_at
        self.expires_at = expires_at
        self.retry_at = fetched_at
        self.error: Exception | None = None
        self.used = 0
        self.size_bytes = prompt.size_bytes + _ENTRY_BYTES

    def put_off(self, until: float, error: Exception | None) -> None:
        """Serve it until then as it is, as quickly as a fresh one."""
        self.error = error
        self.retry_at = until
        self.expires_at = max(self.expires_at, until)


@dataclass(frozen=True, slots=True)
class Failure:
    """A read that failed, with nothing in memory to serve instead; it is tried again after ``retry_at``."""

    error: Exception
    retry_at: float


class Read:
    """A read under way. Its outcome is stored unless another one of the same key began, or it was invalidated."""

    __slots__ = ()


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
        by_name: Those with the default label again, as most look-ups are for them; a cache is one project's.
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
        self.by_name: dict[str, Entry] = {}
        self._failures: OrderedDict[Key, Failure] = OrderedDict()
        self._reads: dict[Key, Read] = {}
        self._hits = 0
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

    @property
    def hits(self) -> int:
        """How often an entry was served; a few more if threads served the same one at the same instant."""
        with self._lock:
            return self._hits + sum(entry.used for entry in self.entries.values())

    def get(self, key: Key) -> Entry | None:
        """The entry, fresh or stale; counts the use."""
        entry = self.entries.get(key)
        if entry is not None:
            entry.used += 1
        return entry

    def failure(self, key: Key) -> Failure | None:
        """How the last read failed, if it did and nothing was stored since."""
        return self._failures.get(key)

    def is_failing(self, key: Key) -> bool:
        """Whether the last read of it failed."""
        entry = self.entries.get(key)
        return key in self._failures or (entry is not None and entry.error is not None)

    def begin(self, key: Key) -> Read:
        """A read begins, whose outcome goes to ``put`` or ``fail``, once."""
        read = Read()
        with self._lock:
            self._reads[key] = read
        return read

    def put(self, key: Key, record: Record, read: Read) -> Entry:
        """Store what was read, unless it is from before an invalidation. Returns its entry in any case.

        A record has the age that it says, by the clock of the process that asked; one from the future is new.
        """
        assert record.prompt is not None
        now = self._clock.monotonic()
        fetched_at = now - max(0.0, self._clock.wall() - record.asked_at)
        expires_at = fetched_at + self._ttl_s * (1 - _JITTER * self._random())
        entry = Entry(record.prompt, record.source, record.asked_at, fetched_at, expires_at)
        if record.failure is not None:
            left_s = record.failure.until - self._clock.wall()
            if 0 < left_s <= MAX_PAUSE_S:
                entry.put_off(now + left_s, record.failure.error(self._clock.wall()))
        with self._lock:
            if self._end(key, read):
                self._store(key, entry)
        return entry

    def fail(self, key: Key, error: Exception, read: Read) -> None:
        """Note that a read failed. A prompt that is gone is evicted; after any other failure the stale one stays."""
        with self._lock:
            if self._end(key, read):
                self.note_failure(key, error)

    def put_off(self, key: Key, pause_s: float, read: Read) -> None:
        """Note that a read was given up, to be begun anew after a pause: another process is at it."""
        with self._lock:
            entry = self.entries.get(key)
            if self._end(key, read) and entry is not None:
                entry.put_off(self._clock.monotonic() + pause_s, entry.error)

    def note_failure(self, key: Key, error: Exception) -> None:
        """The same as ``fail``, of a read that may still succeed."""
        retry_at = self._clock.monotonic() + pause_after(error)
        with self._lock:
            if isinstance(error, NotFoundError):
                self._drop(key)
            entry = self.entries.get(key)
            if entry is not None:
                entry.put_off(retry_at, error)
                return
            self._failures[key] = Failure(error, retry_at)
            self._failures.move_to_end(key)
            while len(self._failures) > self._max_items:
                self._failures.popitem(last=False)

    def expire(self, which: Callable[[Key], bool]) -> dict[Key, Entry]:
        """The entries of these keys, stale from now on; reads of them that are under way are too old to be stored."""
        now = self._clock.monotonic()
        with self._lock:
            self._void(which)
            stale = {key: entry for key, entry in self.entries.items() if which(key)}
            for entry in stale.values():
                entry.expires_at = entry.retry_at = min(entry.expires_at, now)
            return stale

    def invalidate(self, which: Callable[[Key], bool]) -> None:
        """Forget these entries and failures, and whatever reads that are under way will bring."""
        with self._lock:
            self._void(which)
            for key in [key for key in self.entries if which(key)]:
                self._drop(key)

    def after_fork_child(self) -> None:
        """The lock may be held by a thread that is not here, in the middle of a change."""
        self._lock = threading.RLock()
        self._reads = {}
        self._hits = 0
        for entry in self.entries.values():
            entry.used = min(entry.used, 1)
        self._bytes = sum(entry.size_bytes for entry in self.entries.values())
        self.by_name.clear()
        self.by_name.update((key[1], entry) for key, entry in self.entries.items() if key[3] == DEFAULT_LABEL)

    def _void(self, which: Callable[[Key], bool]) -> None:
        for table in (self._reads, self._failures):
            for key in [key for key in table if which(key)]:
                del table[key]

    def _end(self, key: Key, read: Read) -> bool:
        """Whether the read still counts; it is over now."""
        if self._reads.get(key) is not read:
            return False
        del self._reads[key]
        return True

    def _store(self, key: Key, entry: Entry) -> None:
        self._drop(key)
        self._failures.pop(key, None)
        while self.entries and (
            len(self.entries) >= self._max_items or self._bytes + entry.size_bytes > self._max_bytes
        ):
            self._evict_one()
        self.entries[key] = entry
        self._bytes += entry.size_bytes
        if key[3] == DEFAULT_LABEL:
            self.by_name[key[1]] = entry

    def _evict_one(self) -> None:
        """The oldest entry that was not used since eviction last came by; the oldest of all when every one was."""
        for _ in range(len(self.entries)):
            oldest = next(iter(self.entries))
            entry = self.entries[oldest]
            if not entry.used:
                break
            self._hits += entry.used
            entry.used = 0
            self.entries.move_to_end(oldest)
        self._drop(next(iter(self.entries)))

    def _drop(self, key: Key) -> None:
        entry = self.entries.pop(key, None)
        if entry is not None:
            self._hits += entry.used
            self._bytes -= entry.size_bytes
            if key[3] == DEFAULT_LABEL:
                self.by_name.pop(key[1], None)
