"""A file of SQLite's that one process has for itself: opened when it is needed, its log synced beside SQLite.

The write-ahead log is never brought in while rows are being put, and is brought in and deleted when the file is closed.
SQLite's exclusive mode saves the system calls of its locks, half the time of an append; the owner's own lock keeps
other processes away (``directory``).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock  # as it is when this is imported, see ``_lock``

from langfuse_otel.delivery.spool.directory import create_file, set_aside, wal_of
from langfuse_otel.delivery.spool.error import DamagedFileError, SpoolError, translated

PAGE_BYTES = 2_048  # measured for bodies of 1 to 20 KB: little is written beside the body, and few pages make one


class DatabaseFile:
    """Every method raises SpoolError for a failing disk and DamagedFileError for a damaged file, unless it says
    otherwise. Any thread may call.

    Args:
        path: Of the file.
        synchronous: SQLite's: ``NORMAL`` or ``OFF``.
    """

    def __init__(self, path: Path, synchronous: str) -> None:
        self.path = path
        self.damaged = False
        self._synchronous = synchronous
        self._gone = False
        self._connection: sqlite3.Connection | None = None
        self._log_descriptor = -1  # of a file that was made here
        # Re-entrant: a span may end in a signal handler or a ``__del__`` in here. And of the kind that there was at the
        # import: where gevent patches later, a thread that began before and greenlets may both have the file, and
        # gevent's own locks are slow between them.
        self._lock = RLock()
        self._sync_lock = RLock()

    def _create(self, schema: Sequence[str], max_bytes: int) -> None:
        with self._translating():
            try:
                create_file(self.path)
                connection = self._connect()
                connection.execute(f"PRAGMA max_page_count = {max(64, max_bytes // PAGE_BYTES)}")
                connection.execute("BEGIN")
                for statement in schema:
                    connection.execute(statement)
                connection.execute("COMMIT")
                self._log_descriptor = os.open(wal_of(self.path), os.O_RDWR | os.O_CLOEXEC)
            except BaseException:
                self.remove()
                raise

    @property
    def size_bytes(self) -> int:
        """What the file takes on the disk, its log included. Never raises."""
        try:
            if self._log_descriptor >= 0:  # while there is one, all is in the log
                return os.fstat(self._log_descriptor).st_size
            return self.path.stat().st_size
        except OSError:
            return 0

    @property
    def is_open(self) -> bool:
        """Whether SQLite has it open."""
        return self._connection is not None

    def _sync_log(self) -> None:
        _fdatasync(self._log_descriptor)

    def release(self) -> None:
        """Close what is open, until it is needed again. Never raises."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(sqlite3.Error):
                    connection.close()  # brings the log in
            if not os.path.lexists(wal_of(self.path)):  # else the disk was full, and the log stays
                self._forget_log()

    def _forget_log(self) -> None:
        with self._sync_lock:
            if self._log_descriptor >= 0:
                os.close(self._log_descriptor)
                self._log_descriptor = -1

    def abandon(self) -> object:
        """In a forked child: let go of all that is the parent's. What is returned may neither be used nor closed."""
        self._lock, self._sync_lock = RLock(), RLock()
        self._gone = True
        self._forget_log()
        connection, self._connection = self._connection, None
        return connection

    def remove(self) -> None:
        """Delete the file with all that is in it. Never raises."""
        with self._lock:
            self._gone = True
            # The file first: SQLite does not bring the log into a file that is gone, which saves the writing.
            for path in (self.path, wal_of(self.path)):
                with suppress(OSError):
                    path.unlink()
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(sqlite3.Error):
                    connection.close()
            self._forget_log()

    def set_aside(self) -> Path:
        """Rename the file, so that nobody opens it again; the new name."""
        with self._lock, self._translating():
            aside = set_aside(self.path)
            self._gone = True
            self.release()  # SQLite leaves alone the log of a file that has moved: rows may be left in it
            return aside

    def leave_as_it_is(self) -> None:
        """Close a damaged file without a change to it. Raises SpoolError."""
        with self._lock, self._translating():
            moved = self.path.with_name(self.path.name + ".moved")
            self.path.rename(moved)  # see ``set_aside``
            self.release()
            moved.rename(self.path)

    def _connect(self) -> sqlite3.Connection:
        if self._gone:
            raise SpoolError(f"{self.path} is gone")
        if self._connection is None:
            connection = sqlite3.connect(
                f"{self.path.as_uri()}?mode=rw",  # never makes a file, which would have the mode of the umask
                uri=True,
                timeout=0,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA synchronous = {self._synchronous}")
                connection.execute("PRAGMA wal_autocheckpoint = 0")
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._translated(error) from error
        except DamagedFileError:
            self.damaged = True
            raise

    def _translated(self, error: sqlite3.Error | OSError) -> SpoolError | DamagedFileError:
        told = translated(error, self.path)
        self.damaged = self.damaged or isinstance(told, DamagedFileError)
        return told


_fdatasync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # macOS has the latter only
