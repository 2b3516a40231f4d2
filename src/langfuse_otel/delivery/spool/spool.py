"""Spans on disk until the server has them: what ``delivery="at_least_once"`` stands on."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from langfuse_otel import fork, log
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.delivery.spool.error import SpoolError, SpoolFullError, UnsafeSpoolError
from langfuse_otel.delivery.spool.fork import ForkGate, keep_for_ever
from langfuse_otel.delivery.spool.holdings import Holdings
from langfuse_otel.delivery.spool.quarantine import Quarantine
from langfuse_otel.delivery.spool.ranges import runs
from langfuse_otel.delivery.spool.row import Key, Row, by_file
from langfuse_otel.delivery.spool.syncer import Syncer
from langfuse_otel.delivery.spool.writer import Writer

_LOOK_AROUND_EVERY_S = 1.0
_LOOK_AT_AGES_EVERY_S = 10.0
_LOAD_S = 0.2  # a second: further files are loaded by whoever wants to take from them
_TURN_S = 1.0  # how long ``put`` waits at most for those that deliver


class Spool:
    """Rows on disk, for one project: put by any thread, and taken, oldest first, by those that deliver.

    Each process has files of its own, so that none waits for another; the files of a process that is gone are adopted
    by one that lives. What ``put`` stored outlives ``kill -9``. What a power cut may take says ``fsync``:

    - ``always``: nothing. ``put`` waits for the disk; threads that wait at the same time share one sync.
    - ``interval``: what was put in the last half second.
    - ``off``: what the system had not written yet: some 30 seconds on Linux.

    A process that dies may have sent rows that it did not acknowledge yet: these are sent again. No row is lost.

    All may be called from any thread, also from signal handlers and ``__del__``. But for ``put``, nothing raises for a
    failing disk: it is logged, and ``maintain`` tries again. A forked child begins with nothing: what its parent put,
    its parent delivers.

    Args:
        directory: Of the spool; made when it is missing.
        project: What tells projects apart: rows of one are never seen by another. Not written down.
        max_bytes: Of all the project's files, those of other processes included. An eighth of it, 32 MiB at most, is
            left to SQLite to work in.
        max_age_s: How long a row may wait; then it is lost, as ``expired``.
        when_full: ``refuse_newest``: ``put`` raises; ``drop_oldest``: the oldest file goes, its rows are lost as
            ``spool_full``.
        fsync: ``always``, ``interval`` or ``off``.
        on_lost: Told of rows that are lost: why (``expired``, ``spool_full``, ``damaged``, ``quarantine_full``) and how
            many. Must neither raise nor call back.
        clock: Time.

    Raises:
        UnsafeSpoolError: Others have a hand in the directory, or this system has no ``flock`` (Windows).
    """

    def __init__(
        self,
        directory: Path,
        project: str,
        *,
        max_bytes: int,
        max_age_s: float,
        when_full: str,
        fsync: str,
        on_lost: Callable[[str, int], None],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._max_bytes, self._max_age_s = max_bytes, max_age_s
        self._drops_oldest = when_full == "drop_oldest"
        self._fsync = fsync
        self._on_lost = on_lost
        self._clock = clock
        # Wall time that goes on evenly whatever is done to the system's clock: ages within a process are right.
        self._wall_offset_s = clock.wall() - clock.monotonic()
        self._new_writer = partial(Writer, directory, project, max_bytes, fsync, clock)
        self._closed = False
        self._inherited: set[str] = set()  # owners that a parent of this process was
        self._start_over()
        try:
            self._writer.project_directory()
        except UnsafeSpoolError:
            raise
        except SpoolError as error:
            log.limited(logging.WARNING, "spool.failing", "the spool cannot be used for now: %s", error)
        fork.register(self)

    def _start_over(self) -> None:
        self._fork_gate = ForkGate()
        self._writer = self._new_writer()
        self._holdings = Holdings(self._writer, self._max_age_s, self._wall_s, self._on_lost)
        self._lock = self._holdings.lock
        self._syncer = Syncer(self._sync)
        self._own_first = False
        self._quarantining: dict[Key, str] = {}
        self._looked_around_at = self._looked_at_ages_at = float("-inf")

    def _wall_s(self) -> float:
        return self._clock.monotonic() + self._wall_offset_s

    def before_fork(self) -> None:
        """Wait until no thread is inside SQLite."""
        self._fork_gate.close(self._lock, self._writer.lock)

    def after_fork_parent(self) -> None:
        """Go on."""
        self._fork_gate.open()

    def after_fork_child(self) -> None:
        """Leave all files to the parent; the first ``put`` makes one of the child's own."""
        connections, owners = self._holdings.abandon()
        for connection in connections:
            keep_for_ever(connection)
        # Not even later can they be adopted here: SQLite keeps the locks of the whole process, and takes the parent's
        # for its own.
        self._inherited |= owners
        if self._fork_gate.was_forced:
            self._closed = True
            log.once(logging.WARNING, "spool.fork", "no spool in this process: SQLite was busy when it was forked")
        self._start_over()

    # --- On the application's threads ---------------------------------------------------------------------------------

    def put(self, body: bytes) -> None:
        """Store a row; it is on disk when this returns.

        Raises:
            SpoolFullError: There is no room; with ``drop_oldest``, as other processes have it all.
            SpoolError: The disk fails, or did so less than a second ago; or a second went by without a turn among the
                threads that put; or the spool is closed.
        """
        self._fork_gate.pass_by()
        if self._closed:
            raise SpoolError("the spool is closed")
        while not self._writer.put(int(self._wall_s() * 1000), body):
            if not self._drops_oldest or not self._make_room():
                raise SpoolFullError(f"the spool holds its {self._max_bytes} bytes")
        if self._fsync == "interval":
            self._syncer.row_put()

    def _make_room(self) -> bool:
        if not self._lock.acquire(timeout=_TURN_S):  # see ``Writer.put``
            return False
        try:
            return self._holdings.drop_oldest()
        finally:
            self._lock.release()

    # --- What is there ------------------------------------------------------------------------------------------------

    @property
    def put_rows(self) -> int:
        """Rows that this process has put."""
        return self._writer.put_rows

    @property
    def waiting_rows(self) -> int:
        """Rows that wait and are not taken, the adopted ones included as far as their files were looked into."""
        return self._holdings.waiting_rows

    @property
    def own_waiting_rows(self) -> int:
        """Those of them that this process has put."""
        return sum(file.waiting_rows for file in self._holdings.own)

    @property
    def unacknowledged_rows(self) -> int:
        """Rows that are not settled: those that wait and those that are taken."""
        return self._holdings.unacknowledged_rows

    @property
    def waiting_bytes(self) -> int:
        """What the rows that are not settled take on the disk, about."""
        return self._holdings.waiting_bytes

    @property
    def oldest_at(self) -> float | None:
        """When the oldest row that waits was put, seconds since the epoch; as of ten seconds ago at most."""
        return self._holdings.oldest_at

    # --- On the delivering threads ------------------------------------------------------------------------------------

    def take(self, max_rows: int, max_bytes: int) -> list[Row]:
        """The oldest rows, each given once until it is put back; at least one when any waits.

        Own and adopted rows have the first place in turn, so that new spans are not behind a backlog.
        """
        taken: list[Row] = []
        self._fork_gate.pass_by()
        with self._lock:
            self._own_first = not self._own_first
            own, adopted = self._holdings.own, self._holdings.adopted
            for file in own + adopted if self._own_first else adopted + own:
                if len(taken) >= max_rows or max_bytes <= 0 or self._closed:
                    break
                with self._holdings.mending(file):
                    self._holdings.load(file)
                    for row in file.take(max_rows - len(taken), max_bytes, at_least_one=not taken):
                        taken.append(Row(Key(file, row.id), row.body, row.stored_ms / 1000))
                        max_bytes -= len(row.body)
        return taken

    def acknowledge(self, keys: Sequence[Key]) -> None:
        """These rows are delivered."""
        with self._lock:
            for file, ids in by_file(keys).items():
                if file in self._holdings.files:
                    file.acknowledge(runs(ids))
                    self._holdings.settle(file)

    def put_back(self, keys: Sequence[Key]) -> None:
        """These rows are not delivered, and wait again."""
        with self._lock:
            for file, ids in by_file(keys).items():
                if file in self._holdings.files:
                    file.put_back(runs(ids))
                elif file.dropped:  # one that was set aside goes on in another
                    self._on_lost("spool_full", len(ids))

    def quarantine(self, key: Key, reason: str) -> None:
        """This row is refused for good. It is kept, with the reason, until ``langfuse-otel spool retry`` or ``purge``.

        At most 1,000 rows and 16 MiB are; then the oldest are lost, as ``quarantine_full``.
        """
        with self._lock:
            self._quarantining[key] = reason
            self._save_quarantined()

    def _save_quarantined(self) -> None:
        for key, reason in tuple(self._quarantining.items()):
            with self._holdings.mending(key.file):
                if key.file in self._holdings.files:
                    gone = Quarantine(self._writer.project_directory()).add(key.file.row(key.row_id), reason)
                    if gone:
                        self._on_lost("quarantine_full", gone)
                    self.acknowledge([key])
                del self._quarantining[key]

    # --- Upkeep -------------------------------------------------------------------------------------------------------

    def maintain(self) -> None:
        """What has to be done now and then, by whoever delivers: every half second, or later.

        Syncs (``interval``), looks for orphans, expires, erases what is delivered, tries again what a failing disk
        refused.
        """
        if self._fsync == "interval":
            self._sync()
        now = self._clock.monotonic()
        with self._lock:
            if self._closed:
                return
            self._save_quarantined()
            self._holdings.save()
            if now - self._looked_around_at >= _LOOK_AROUND_EVERY_S:
                self._looked_around_at = now
                with self._holdings.mending():
                    self._look_around()
                self._load(now)
            if now - self._looked_at_ages_at >= min(_LOOK_AT_AGES_EVERY_S, self._max_age_s / 10):
                self._looked_at_ages_at = now
                self._holdings.expire()
                self._holdings.tidy(now)

    def _sync(self) -> None:
        self._syncer.done()
        for file in self._holdings.own:
            if file.unsynced:
                with self._holdings.mending(file):  # under no lock that anyone would wait for
                    file.sync()

    def _look_around(self) -> None:
        directory, ownership = self._writer.project_directory(), self._writer.ownership
        self._writer.look_around()
        mine = {ownership.owner} if ownership else set()
        self._holdings.orphans.adopt(directory, self._writer.synchronous, mine | self._inherited)
        while self._drops_oldest and self._writer.is_nearly_full and self._holdings.drop_oldest():
            pass  # ahead of time, so that ``put`` need not
        if ownership:
            ownership.say({"pid": os.getpid(), "rows": self.unacknowledged_rows, "oldest_at": self.oldest_at})

    def _load(self, now: float) -> None:
        """Find out what is in adopted files, for the figures and the ages; one of a dying process may be locked yet."""
        for file in self._holdings.adopted:
            if self._clock.monotonic() - now < _LOAD_S:
                with self._holdings.mending(file):
                    self._holdings.load(file)

    def close(self) -> None:
        """Write down what is not, and let go of everything. Rows that wait are left to the next process."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._syncer.stop()
            self._save_quarantined()
            self._holdings.close(sync=self._fsync != "off")
