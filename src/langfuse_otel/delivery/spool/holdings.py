"""The files that a process answers for, written or adopted: what becomes of each, and how much is in them together."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from langfuse_otel import log
from langfuse_otel.delivery.spool.error import DamagedFileError, SpoolError
from langfuse_otel.delivery.spool.file import SpoolFile
from langfuse_otel.delivery.spool.orphans import Orphans
from langfuse_otel.delivery.spool.rescue import rescue
from langfuse_otel.delivery.spool.writer import ERASE_AFTER_S, Writer

_YEAR_S = 365 * 86_400.0


class Holdings:
    """All files. But for the figures, call with ``lock`` held.

    Args:
        writer: Those that rows are put into.
        max_age_s: How long a row may wait.
        wall_s: Seconds since the epoch, whatever is done to the system's clock meanwhile.
        on_lost: As ``Spool`` has it.
    """

    def __init__(
        self, writer: Writer, max_age_s: float, wall_s: Callable[[], float], on_lost: Callable[[str, int], None]
    ) -> None:
        self.lock = threading.RLock()  # before the writer's, and that before a file's
        self.writer = writer
        self.orphans = Orphans()
        self._max_age_s = max_age_s
        self._wall_s = wall_s
        self._on_lost = on_lost
        self._oldest_at: float | None = None

    @property
    def files(self) -> list[SpoolFile]:
        """The adopted ones first, as they are older."""
        return [*self.adopted, *self.own]

    @property
    def own(self) -> list[SpoolFile]:
        """Those of this process."""
        return list(self.writer.files)

    @property
    def adopted(self) -> list[SpoolFile]:
        """Those of processes that are gone."""
        return self.orphans.files

    # --- Figures ------------------------------------------------------------------------------------------------------

    @property
    def waiting_rows(self) -> int:
        """Rows that are not taken."""
        return sum(file.waiting_rows for file in self.files)

    @property
    def unacknowledged_rows(self) -> int:
        """Rows that are not settled."""
        return sum(file.unacknowledged_rows for file in self.files)

    @property
    def waiting_bytes(self) -> int:
        """What the rows that are not settled take on the disk, about."""
        return sum(file.size_bytes * file.unacknowledged_rows // max(1, file.last_id) for file in self.files)

    @property
    def oldest_at(self) -> float | None:
        """When the oldest row that waits was put, seconds since the epoch; as of the last ``expire``."""
        return self._oldest_at if self.waiting_rows else None

    # --- One file -----------------------------------------------------------------------------------------------------

    def load(self, file: SpoolFile) -> None:
        """Find out what is in a file. Raises SpoolError, DamagedFileError."""
        if not file.is_loaded:
            file.load()
            file.mistrust_ages(int(self._wall_s() * 1000), int((self._max_age_s + _YEAR_S) * 1000))
            file.release()
            self.settle(file)

    def settle(self, file: SpoolFile) -> None:
        """Write down what was acknowledged, or delete the file when that was all."""
        if not file.is_loaded:
            return
        if file.unacknowledged_rows or file is self.writer.active:
            with self.mending(file):
                file.save_acknowledged()
        else:
            self._remove(file)

    def _remove(self, file: SpoolFile) -> None:
        self.writer.leave(file)
        file.remove()
        self.orphans.remove(file)

    @contextmanager
    def mending(self, file: SpoolFile | None = None) -> Iterator[None]:
        """A damaged file is set aside and its rows rescued; a failing disk is for the next upkeep to try again."""
        try:
            yield
        except (SpoolError, DamagedFileError, OSError) as error:
            log.limited(logging.WARNING, "spool.failing", "the spool cannot do its work for now: %s", error)
            if file is not None and isinstance(error, DamagedFileError):
                with self.lock:
                    self.mend(file)

    def mend(self, file: SpoolFile) -> None:
        """Replace a damaged file by one with the rows in it that are whole."""
        self.writer.leave(file)
        copy, lost = rescue(file, self.writer.new_file)
        self.orphans.remove(file)  # last, as its owner's lock goes with it
        if copy is not None:
            self.writer.files.insert(0, copy)
        if lost:
            self._on_lost("damaged", lost)

    # --- All of them --------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Try again what a failing disk refused, and begin a new file where that is how delivered rows are erased."""
        for file in self.files:
            if file.damaged:
                self.mend(file)
            elif file.unsaved:
                self.settle(file)
        delivered = self.writer.retire_delivered()
        if delivered is not None:
            self.settle(delivered)

    def drop_oldest(self) -> bool:
        """Delete the oldest file, with the rows in it; False when all that there is belongs to others."""
        for file in self.files:
            file.dropped = True
            if file.waiting_rows:
                self._on_lost("spool_full", file.waiting_rows)
                log.limited(logging.WARNING, "spool.full", "the spool is full: its oldest spans are dropped")
            self._remove(file)
            return True
        return False

    def expire(self) -> None:
        """Drop the rows that have waited too long."""
        self._oldest_at = None
        now_s = self._wall_s()
        for files in (self.own, self.adopted):
            for file in files:
                with self.mending(file):
                    expired = file.take_older_than(int((now_s - self._max_age_s) * 1000))
                    if expired:
                        self._on_lost("expired", sum(last - first + 1 for first, last in expired))
                        log.limited(logging.WARNING, "spool.expired", "spans were dropped that waited too long")
                        file.acknowledge(expired)
                        self.settle(file)
                    oldest_ms = file.oldest_ms()
                    if oldest_ms is not None:
                        self._oldest_at = min(self._oldest_at or now_s, oldest_ms / 1000)
                        break  # what comes after is younger

    def tidy(self, now: float) -> None:
        """Erase what is delivered in files that stay for the sake of the rest, and close what is not in use."""
        in_use = {files[0] for files in (self.own, self.adopted) if files} | {self.writer.active}
        for file in self.files:
            if file is self.writer.active:
                continue
            with self.mending(file):
                if file.acknowledged_for_s(now) > ERASE_AFTER_S:
                    file.erase_acknowledged()
            if file not in in_use and file.is_idle:
                file.release()

    def close(self, *, sync: bool) -> None:
        """Write down what is not, and let go of everything; rows that wait are left to the next process."""
        with self.writer.lock:
            self.writer.retire()
            for file in self.files:
                with self.mending(file):
                    if sync:
                        file.sync()
                    self.settle(file)
            self.orphans.close()
            self.writer.close()

    def abandon(self) -> tuple[list[object], set[str]]:
        """In a forked child: all is the parent's. Connections that may not be used or closed; whom it answers for."""
        connections = [file.abandon() for file in self.files]
        owners = self.orphans.owners
        self.orphans.forget()
        if self.writer.ownership is not None:
            owners.add(self.writer.ownership.owner)
            self.writer.ownership.forget()
        return connections, owners
