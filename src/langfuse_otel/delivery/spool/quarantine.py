"""Rows that the server refuses for good, kept with its reason until someone looks; one file a project.

For all processes, and not in the spool's own files: those are deleted as a whole when all else in them is delivered.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from langfuse_otel.delivery.spool.directory import create_file, is_own_file, set_aside
from langfuse_otel.delivery.spool.error import DamagedFileError, SpoolError, translated
from langfuse_otel.delivery.spool.salvage import StoredRow

MAX_ROWS = 1_000
MAX_BYTES = 16 * 1024 * 1024
_WAIT_S = 1.0  # for another process that has the file


class QuarantinedRow(NamedTuple):
    """A row that is not sent, and why."""

    id: int
    stored_ms: int
    reason: str
    body_bytes: int


class Quarantine:
    """At most 1,000 rows and 16 MiB; the oldest make room for new ones.

    Nothing is held open between calls. Every method raises SpoolError when the disk fails; a damaged file is set aside.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "quarantine.db"

    def add(self, row: StoredRow, reason: str) -> int:
        """Keep a row; how many older ones had to go for it."""
        with self._open() as connection:
            connection.execute(
                "INSERT INTO quarantined (stored_ms, reason, body) VALUES (?, ?, ?)",
                (row.stored_ms, reason[:1_000], row.body),
            )
            gone = 0
            while True:
                rows, size = connection.execute(
                    "SELECT count(*), coalesce(sum(length(body)), 0) FROM quarantined"
                ).fetchone()
                if rows <= 1 or (rows <= MAX_ROWS and size <= MAX_BYTES):
                    return gone
                connection.execute("DELETE FROM quarantined WHERE id = (SELECT min(id) FROM quarantined)")
                gone += 1

    def list(self) -> Sequence[QuarantinedRow]:
        """What is kept, oldest first."""
        if not os.path.lexists(self.path):
            return []
        with self._open() as connection:
            found = connection.execute("SELECT id, stored_ms, reason, length(body) FROM quarantined ORDER BY id")
            return [QuarantinedRow(*row) for row in found]

    def rows(self) -> Sequence[StoredRow]:
        """The rows themselves, oldest first."""
        if not os.path.lexists(self.path):
            return []
        with self._open() as connection:
            found = connection.execute("SELECT id, stored_ms, body FROM quarantined ORDER BY id")
            return [StoredRow(*row) for row in found]

    def remove(self, through_id: int) -> None:
        """Forget the rows up to an id."""
        if not os.path.lexists(self.path):
            return
        with self._open() as connection:
            connection.execute("DELETE FROM quarantined WHERE id <= ?", (through_id,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            if not os.path.lexists(self.path):
                with suppress(FileExistsError):  # another process was faster
                    create_file(self.path)
            elif not is_own_file(self.path):
                raise SpoolError(f"{self.path} is not a plain file of this user")
            connection = sqlite3.connect(
                f"{self.path.as_uri()}?mode=rw", uri=True, timeout=_WAIT_S, isolation_level=None
            )
            with closing(connection):
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS quarantined (id INTEGER PRIMARY KEY AUTOINCREMENT,"
                    " stored_ms INTEGER NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL)"
                )
                yield connection
                connection.execute("COMMIT")  # closing it without takes everything back
        except (sqlite3.Error, OSError) as error:
            told = translated(error, self.path)
            if isinstance(told, DamagedFileError):
                with suppress(OSError):
                    set_aside(self.path)
                told = SpoolError(str(told))
            raise told from error
