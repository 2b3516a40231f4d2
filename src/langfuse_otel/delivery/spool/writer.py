"""The files of this process that rows are put into: one after the other, each up to a size."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

from langfuse_otel.clock import Clock
from langfuse_otel.delivery.spool import directory as spool_directory
from langfuse_otel.delivery.spool.directory import Ownership
from langfuse_otel.delivery.spool.error import DamagedFileError, SpoolError
from langfuse_otel.delivery.spool.file import SpoolFile

_LEAST_FILE_BYTES, _MOST_FILE_BYTES = 64 * 1024, 32 * 1024 * 1024
_PAUSE_AFTER_FAILURE_S = 1.0  # in which a disk that fails costs the application nothing
_LOOK_AROUND_EVERY_S = 1.0
_TURN_S = 1.0
_ROW_BYTES = 6_000  # what a row takes in SQLite's log beside its body and a 32nd of it: pages written more than once
ERASE_AFTER_S = 240.0
"""What was delivered is in use for so long at most, and is erased after as much again: within ten minutes in all."""
_DONE_AFTER_S, _DONE_BYTES = 60.0, 1024 * 1024  # a file of which all is delivered is deleted at either


class Writer:
    """Puts rows into files of its own, and keeps the project within its bytes.

    Args:
        directory: Of the spool.
        project: Whose rows these are.
        max_bytes: Of all the project's files; the size of a file is left free for SQLite to work in.
        fsync: ``always``, ``interval`` or ``off``.
        clock: Time.
    """

    def __init__(self, directory: Path, project: str, max_bytes: int, fsync: str, clock: Clock) -> None:
        self._directory, self._project = directory, project
        self._max_bytes = max_bytes
        self._fsync = fsync
        self.synchronous = "OFF" if fsync == "off" else "NORMAL"
        self._clock = clock
        self.file_bytes = max(_LEAST_FILE_BYTES, min(_MOST_FILE_BYTES, max_bytes // 8))
        self.lock = threading.RLock()  # re-entrant: a span may end in a signal handler or a ``__del__`` in here
        self.files: list[SpoolFile] = []  # oldest first
        self.active: SpoolFile | None = None  # the one of these that rows are appended to
        self.active_since = 0.0
        self._active_bytes = 0  # what it takes, or rather more than that
        self.put_rows = 0
        self.ownership: Ownership | None = None
        self._path: Path | None = None
        self._files_made = 0
        self._other_bytes = 0  # of all the project's files but the active one
        self._looked_around_at = float("-inf")
        self._failing_until = float("-inf")
        self._failure = ""
        self._closed = False

    def project_directory(self) -> Path:
        """Where the files are; made when it is missing. Raises what ``directory.prepare`` does."""
        if self._path is None:
            self._path = spool_directory.prepare(self._directory, self._project)
        return self._path

    def put(self, stored_ms: int, body: bytes) -> bool:
        """Store a row; False when there is no room.

        Raises:
            SpoolError: The disk fails, or did so less than a second ago; other threads leave this one no turn; or it is
                closed.
        """
        # Bounded, as the collector may run an application's ``__del__`` on a thread that holds the lock of a file, and
        # that may end a span: it would wait here for a thread that waits for that file.
        if not self.lock.acquire(timeout=_TURN_S):
            raise SpoolError(f"no turn to write for {_TURN_S:g} s")
        try:
            if self._closed:  # while this thread waited for its turn
                raise SpoolError("the spool is closed")
            if self._failure and self._clock.monotonic() < self._failing_until:
                raise SpoolError(self._failure)
            try:
                file = self._file_with_room(len(body))
                if file is None:
                    return False
                row_id = file.append(stored_ms, body)
                self.put_rows += 1
            except (SpoolError, DamagedFileError, OSError) as error:
                raise self._noted(error) from error
        finally:
            self.lock.release()
        if self._fsync == "always":
            try:
                file.sync(row_id)  # under no lock: threads share a sync
            except (SpoolError, DamagedFileError, OSError) as error:
                raise self._noted(error) from error
        return True

    def _noted(self, error: Exception) -> SpoolError:
        """For a while the disk is not tried again. What the error is for whoever puts."""
        self.retire()  # whatever is wrong with the file, another one may do
        self._failing_until, self._failure = self._clock.monotonic() + _PAUSE_AFTER_FAILURE_S, str(error)
        return SpoolError(self._failure)

    def _file_with_room(self, size: int) -> SpoolFile | None:
        # To ask the system for the file's size takes a tenth of a put: not before it may have reached a limit.
        self._active_bytes += size + size // 32 + _ROW_BYTES
        most = self._max_bytes - self.file_bytes - 2 * size
        if self._active_bytes >= self.file_bytes or self._other_bytes + self._active_bytes > most:
            self._active_bytes = self.active.size_bytes if self.active is not None else 0
        if self._other_bytes + self._active_bytes > most:
            self.look_around()
            if self._other_bytes + self._active_bytes > most:
                return None
        if self.active is None or self._active_bytes >= self.file_bytes:
            file = self.new_file()
            self.retire()
            self.files.append(file)
            self.active, self.active_since = file, self._clock.monotonic()
            self._active_bytes = file.size_bytes
        return self.active

    def new_file(self) -> SpoolFile:
        """A file of this owner; rows are not put into it by themselves."""
        with self.lock:
            directory = self.project_directory()
            if self.ownership is None:
                self.ownership = Ownership.new(directory)
            self._files_made += 1
            return SpoolFile.create(self.ownership.path(self._files_made), self.synchronous, self._max_bytes)

    def retire(self) -> None:
        """Put no more into the active file."""
        with self.lock:
            if self.active is not None:
                self._other_bytes += self.active.size_bytes
                self.active = None

    def retire_delivered(self) -> SpoolFile | None:
        """Begin a new file when this one holds what was delivered: deleting it is how that is erased. The old one."""
        with self.lock:
            file = self.active
            if file is None or not len(file.acknowledged):
                return None
            age_s = self._clock.monotonic() - self.active_since
            is_done = not file.unacknowledged_rows and (age_s > _DONE_AFTER_S or file.size_bytes > _DONE_BYTES)
            if age_s < ERASE_AFTER_S and not is_done:
                return None
            self.retire()
            return file

    def leave(self, file: SpoolFile) -> None:
        """This file is gone, or about to be."""
        with self.lock:
            if file is self.active:
                self.retire()
            if file in self.files:
                self.files.remove(file)
            self._other_bytes = max(0, self._other_bytes - file.size_bytes)

    @property
    def is_nearly_full(self) -> bool:
        """Whether the next file but one will have no room."""
        return self._other_bytes > self._max_bytes - 3 * self.file_bytes

    def look_around(self) -> None:
        """Add up what all processes' files take. At most once a second, as that is a look at each."""
        now = self._clock.monotonic()
        if now - self._looked_around_at < _LOOK_AROUND_EVERY_S:
            return
        self._looked_around_at = now
        total = spool_directory.size_bytes(self.project_directory())
        with self.lock:
            self._other_bytes = max(0, total - (self.active.size_bytes if self.active is not None else 0))

    def close(self) -> None:
        """Let go of the files; rows in them are left to the next process. Nothing is put after that."""
        with self.lock:
            self._closed = True
            self.active = None
            for file in self.files:
                file.release()
            if self.ownership is not None:
                with suppress(OSError):
                    self.ownership.give_up(delete=not self.files)
