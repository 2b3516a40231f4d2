"""At least once: spans are read by the thread that ends them, and on disk when ``put`` returns."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Hashable, Sequence
from typing import cast

import msgspec
from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel import fork, log, uwsgi
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.delivery.giving_way import giving_way
from langfuse_otel.delivery.intake import Entry, Load, Observe, Progress, say_unreadable
from langfuse_otel.delivery.memory_intake import MemoryIntake
from langfuse_otel.delivery.spool.codec import from_bytes, to_bytes
from langfuse_otel.delivery.spool.error import SpoolError, SpoolFullError
from langfuse_otel.delivery.spool.row import Key, Row
from langfuse_otel.delivery.spool.spool import Spool
from langfuse_otel.delivery.status import Figures
from langfuse_otel.tally import Cause, Tally

_ASIDE_S = 5.0
"""For so long after the disk has failed, spans wait in memory without another try."""


class SpoolIntake:
    """An intake (``intake.Intake``) over a spool; over memory for as long as the disk fails.

    Args:
        spool: Where spans wait.
        memory: Where they wait instead while the disk fails.
        observe: What they mean; asked by the application's thread, as nothing that is to be masked may reach the disk.
        tally: Where those that cannot be read again are counted.
        max_bytes: Of the spool, for its figures.
        clock: Time.
    """

    is_durable = True
    upkeep_s = 0.5

    def __init__(
        self,
        spool: Spool,
        memory: MemoryIntake,
        observe: Observe,
        tally: Tally,
        max_bytes: int,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._spool = spool
        self._memory = memory
        self._observe = observe
        self._tally = tally
        self._max_bytes = max_bytes
        self._clock = clock
        self._closed = False
        self._inherits = False
        self._start_over()

    def _start_over(self) -> None:
        self._progress = Progress()
        self._aside_until = math.inf if uwsgi.is_master() else 0.0  # whose spool no worker could adopt
        self._taking = threading.RLock()

    def put(self, span: ReadableSpan) -> Cause:
        """Read a span and store it."""
        if self._closed:
            return Cause.SHUTDOWN
        if self._inherits:
            self._inherits = False
            for inherited in self._memory.hand_over():
                self.put(inherited)
        if self._clock.monotonic() < self._aside_until:
            return self._memory.put(span)
        try:
            body = to_bytes(self._observe.read(span))
        except Exception as error:
            say_unreadable(error)
            return Cause.MALFORMED
        try:
            self._spool.put(body)
        except SpoolFullError:
            return Cause.QUEUE_FULL
        except SpoolError as error:
            self._aside_until = self._clock.monotonic() + _ASIDE_S
            log.limited(logging.WARNING, "spool.aside", "spans wait in memory, as the disk fails: %s", error)
            return self._memory.put(span)
        return Cause.ACCEPTED

    def take(self, max_spans: int, max_bytes: int) -> Load | None:
        """What waits in memory because the disk failed, and after that rows of the spool."""
        from_memory = self._memory.take(max_spans, max_bytes)
        if from_memory is not None:
            return from_memory
        with self._taking:
            first = self._taken
            rows = self._spool.take(max_spans, max_bytes)
            if not rows:
                return None
            load = self._progress.begin(first)
        entries = [entry for row in giving_way(rows) if (entry := self._read(row)) is not None]
        with self._taking:
            told = self._observe.tell_once(entry.observation for entry in entries)
        load.entries = [Entry(observation, entry.key) for observation, entry in zip(told, entries, strict=True)]
        return load

    def _read(self, row: Row) -> Entry | None:
        try:
            return Entry(from_bytes(row.body), row.key)
        except (msgspec.DecodeError, ValueError, TypeError) as error:  # another version's, or not ours at all
            self._tally.count(Cause.MALFORMED)
            say_unreadable(error)
            self.refuse(row.key, f"not an observation: {error}")
            return None

    def acknowledge(self, keys: Sequence[Hashable]) -> None:
        """Remove these from the spool."""
        if keys:
            self._spool.acknowledge(cast(Sequence[Key], keys))

    def refuse(self, key: Hashable, reason: str) -> None:
        """Keep this one with the reason, and send it no more."""
        self._spool.quarantine(cast(Key, key), reason)

    def release(self, load: Load) -> None:
        """Every entry of the load is settled."""
        self._progress.end(load)
        self._memory.release(load)

    @property
    def _taken(self) -> int:
        """How many of this process's rows do not wait any more; rather too few than too many."""
        put_rows = self._spool.put_rows
        return put_rows - self._spool.own_waiting_rows

    def mark(self) -> tuple[int, ...]:
        """How many spans were put so far: on disk, and in memory."""
        return self._spool.put_rows, *self._memory.mark()

    def has_settled(self, mark: tuple[int, ...]) -> bool:
        """Whether every span before a mark is settled."""
        on_disk, *in_memory = mark
        return self._progress.settled(self._taken) >= on_disk and self._memory.has_settled(tuple(in_memory))

    def holds(self, spans: int, size_bytes: int) -> bool:
        """Whether so many spans wait, or so many bytes."""
        return self._spool.waiting_rows >= spans or self._spool.waiting_bytes >= size_bytes

    def maintain(self) -> None:
        """Sync, adopt, expire."""
        self._spool.maintain()

    def pressure_changes(self) -> Sequence[tuple[bool, float]]:
        """Of the memory: a spool that fills says so by refusing."""
        return self._memory.pressure_changes()

    def figures(self) -> Figures:
        """Those of the spool, and what waits in memory."""
        memory = self._memory.figures()
        spooled_bytes, oldest_at = self._spool.waiting_bytes, self._spool.oldest_at
        settled = self._progress.settled(self._taken)
        return memory._replace(
            pending_spans=max(0, self._spool.put_rows - settled) + memory.pending_spans,
            utilisation=max(memory.utilisation, spooled_bytes / self._max_bytes),
            spooled_spans=self._spool.unacknowledged_rows,
            spooled_bytes=spooled_bytes,
            oldest_s=None if oldest_at is None else max(0.0, self._clock.wall() - oldest_at),
        )

    def close(self) -> None:
        """Accept nothing from now on."""
        self._closed = True
        self._memory.close()

    def abandon(self) -> int:
        """Leave the spool to the next process, and forget what waits in memory."""
        self._spool.close()
        return self._memory.abandon()

    def reset(self) -> None:
        """Empty: what the parent put, the parent sends. The spool has done so by itself.

        What uWSGI's master has left to this process waits in memory, and is on disk with the first span that ends here.
        """
        self._memory.reset()
        self._inherits = fork.is_heir()
        self._start_over()
