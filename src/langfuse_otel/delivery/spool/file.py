"""One file of the spool: rows are appended, read in order, and acknowledged; when all are, the file is deleted.

Nothing is ever deleted from a file in use. So an append touches few pages, and an acknowledgement is one small row for
a whole batch.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from langfuse_otel.delivery.spool.database import DatabaseFile
from langfuse_otel.delivery.spool.directory import wal_of
from langfuse_otel.delivery.spool.error import DamagedFileError
from langfuse_otel.delivery.spool.ranges import Ranges
from langfuse_otel.delivery.spool.salvage import StoredRow, committed_frames, range_crc, row_crc

APPLICATION_ID = 0x4C664F53
SCHEMA_VERSION = 1
_READ_ROWS = 64  # at once, as whoever wants to append waits meanwhile

# ``crc`` tells intact rows when a file is damaged: SQLite has no checksums outside its log.
_SCHEMA = (
    "CREATE TABLE row (id INTEGER PRIMARY KEY, stored_ms INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL)",
    "CREATE TABLE acknowledged (first INTEGER NOT NULL, last INTEGER NOT NULL, crc INTEGER NOT NULL)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)
_INSERT = "INSERT INTO row (stored_ms, crc, body) VALUES (?, ?, ?)"
_ACKNOWLEDGE = "INSERT INTO acknowledged (first, last, crc) VALUES (?, ?, ?)"


class SpoolFile(DatabaseFile):
    """Rows 1 to ``last_id``, each of which waits, or was taken to be sent, or is acknowledged.

    An append waits for no more than a read of 64 rows. For errors and arguments see ``DatabaseFile``.
    """

    def __init__(self, path: Path, synchronous: str) -> None:
        super().__init__(path, synchronous)
        self.last_id = 0
        self.taken = Ranges()  # those acknowledged among them
        self.acknowledged = Ranges()
        self.is_loaded = False  # before that nobody knows what is in it
        self.dropped = False  # with rows in it that were not delivered
        self.shift_ms = 0  # between the clock of whoever stored the rows and ours
        self._synced_id = 0
        self._unsaved: list[tuple[int, int]] = []  # acknowledgements that the disk did not take yet
        self._erased_rows = 0
        self._acknowledged_since: float | None = None

    @classmethod
    def create(cls, path: Path, synchronous: str, max_bytes: int) -> SpoolFile:
        """A new file.

        Args:
            path: Nothing is there yet.
            synchronous: SQLite's: ``NORMAL`` or ``OFF``.
            max_bytes: No more than this is written, whatever happens.
        """
        file = cls(path, synchronous)
        file._create(_SCHEMA, max_bytes)
        file.is_loaded = True
        return file

    def load(self) -> None:
        """Bring in the log of a file that another process left, and find out what is in it.

        When this finds the file damaged, ``set_aside`` comes next.
        """
        with self._translating():
            written = committed_frames(wal_of(self.path))  # before SQLite has the file open
            connection = self._connect()
            (application_id,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if application_id == version == tables == written == 0:  # its owner ended before it had made it
                self.is_loaded = True
                return
            if application_id != APPLICATION_ID:
                raise DamagedFileError(f"{self.path}: not a spool file")
            if version != SCHEMA_VERSION:
                raise DamagedFileError(f"{self.path}: of another version ({version}) of langfuse-otel")
            if written:
                _, found, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if found < written:  # SQLite reads its log up to the first fault and says nothing
                    raise DamagedFileError(f"{self.path}: {written - found} pages of its log are not readable")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._load(connection)
            self.is_loaded = True

    def _load(self, connection: sqlite3.Connection) -> None:
        self.last_id = self._synced_id = connection.execute("SELECT coalesce(max(id), 0) FROM row").fetchone()[0]
        for first, last, crc in connection.execute("SELECT first, last, crc FROM acknowledged"):
            if crc != range_crc(first, last):
                raise DamagedFileError(f"{self.path}: an acknowledgement is damaged")
            self.last_id = max(self.last_id, last)  # its row may have been erased
            self.acknowledged.add(first, last)
            self.taken.add(first, last)

    # --- Rows ---------------------------------------------------------------------------------------------------------

    @property
    def waiting_rows(self) -> int:
        """Rows that can be taken."""
        return self.last_id - len(self.taken)

    @property
    def unacknowledged_rows(self) -> int:
        """Rows that wait or are under way."""
        return self.last_id - len(self.acknowledged)

    @property
    def unsynced(self) -> bool:
        """Whether a power cut would take rows."""
        return self._log_descriptor >= 0 and self._synced_id < self.last_id

    @property
    def unsaved(self) -> bool:
        """Whether there are acknowledgements that the disk did not take yet."""
        return bool(self._unsaved)

    @property
    def is_idle(self) -> bool:
        """Whether the file is open though none of its rows is under way."""
        return self.is_open and self.unacknowledged_rows == self.waiting_rows

    def append(self, stored_ms: int, body: bytes) -> int:
        """Add a row and give its id; it outlives this process once this returns."""
        row = stored_ms, row_crc(stored_ms, body), body
        try:  # as _translating, which would take a tenth of the time
            with self._lock:
                # The id comes with the insert: one counted here would be used twice when a signal handler ends a span.
                row_id = (self._connection or self._connect()).execute(_INSERT, row).lastrowid or 0
                self.last_id = max(self.last_id, row_id)
        except (sqlite3.Error, OSError) as error:
            raise self._translated(error) from error
        return row_id

    def sync(self, row_id: int | None = None) -> None:
        """Make sure that what was appended outlives a power cut: all, or all up to a row.

        Threads that come while one syncs share the next sync.
        """
        with self._sync_lock, self._translating():
            through = self.last_id
            if self._log_descriptor < 0 or self._synced_id >= (through if row_id is None else row_id):
                return
            self._sync_log()
            self._synced_id = through

    def take(self, max_rows: int, max_bytes: int, *, at_least_one: bool = True) -> list[StoredRow]:
        """The oldest rows that wait, up to both limits; they are taken then. One may be over the limit of bytes."""
        rows: list[StoredRow] = []
        size = 0
        for first, last in self.taken.gaps(self.last_id):
            while first <= last and len(rows) < max_rows and size < max_bytes:
                for row in self._read(first, min(last, first + min(_READ_ROWS, max_rows - len(rows)) - 1)):
                    if (rows or not at_least_one) and size + len(row.body) > max_bytes:
                        return rows
                    self.taken.add(row.id, row.id)
                    rows.append(row)
                    size += len(row.body)
                    first = row.id + 1
        return rows

    def _read(self, first: int, last: int) -> list[StoredRow]:
        with self._translating(), self._lock:
            query = "SELECT id, stored_ms, crc, body FROM row WHERE id BETWEEN ? AND ? ORDER BY id"
            found = self._connect().execute(query, (first, last)).fetchall()
        if [row[0] for row in found] != list(range(first, last + 1)):
            raise DamagedFileError(f"{self.path}: rows are missing")
        if any(crc != row_crc(stored_ms, body) for _, stored_ms, crc, body in found):
            raise DamagedFileError(f"{self.path}: a row is not what was stored")
        return [StoredRow(row_id, stored_ms, body) for row_id, stored_ms, _, body in found]

    def row(self, row_id: int) -> StoredRow:
        """One row."""
        return self._read(row_id, row_id)[0]

    def oldest_ms(self) -> int | None:
        """When the oldest row that waits was stored; None when none does."""
        for first, _ in self.taken.gaps(self.last_id):
            return self._stored_ms(first)
        return None

    def mistrust_ages(self, now_ms: int, most_ms: int) -> None:
        """Where the newest row is from the future, or older than anything can be, a clock was wrong: count from now."""
        newest = max((last for _, last in self.acknowledged.gaps(self.last_id)), default=None)
        if newest is not None:
            age_ms = now_ms - self._stored_ms(newest)
            if not 0 <= age_ms <= most_ms:
                self.shift_ms = age_ms

    def take_older_than(self, stored_ms: int) -> list[tuple[int, int]]:
        """Take what waits and was stored before that, as runs of ids. Rows are in the order of their time."""
        stored_ms -= self.shift_ms
        runs: list[tuple[int, int]] = []
        for first, last in self.taken.gaps(self.last_id):
            low, high = first, last + 1
            while low < high:
                middle = (low + high) // 2
                if self._stored_ms(middle) < stored_ms:
                    low = middle + 1
                else:
                    high = middle
            if low > first:
                runs.append((first, low - 1))
                self.taken.add(first, low - 1)
            if low <= last:
                break
        return runs

    def _stored_ms(self, row_id: int) -> int:
        with self._translating(), self._lock:
            found = self._connect().execute("SELECT stored_ms FROM row WHERE id = ?", (row_id,)).fetchone()
        if found is None:
            raise DamagedFileError(f"{self.path}: row {row_id} is missing")
        stored_ms: int = found[0]
        return stored_ms

    # --- Acknowledgements ---------------------------------------------------------------------------------------------

    def acknowledge(self, runs: Iterable[tuple[int, int]]) -> None:
        """Never send these rows again in this process; ``save_acknowledged`` tells the next one. Never raises."""
        for first, last in runs:
            self.taken.add(first, last)
            self.acknowledged.add(first, last)
            self._unsaved.append((first, last))

    def save_acknowledged(self) -> None:
        """Write down the acknowledgements that are not yet."""
        with self._translating(), self._lock:
            for run in tuple(self._unsaved):  # each by itself: a signal handler may append a row in between
                self._connect().execute(_ACKNOWLEDGE, (*run, range_crc(*run)))
                self._unsaved.remove(run)

    def put_back(self, runs: Iterable[tuple[int, int]]) -> None:
        """Let these rows, which were taken, wait again. Never raises."""
        for first, last in runs:
            self.taken.remove(first, last)
        for first, last in self.acknowledged:  # a row that was acknowledged and put back is acknowledged
            self.taken.add(first, last)

    def acknowledged_for_s(self, now: float) -> float:
        """For how long, as far as was asked here, rows that were acknowledged are in the file; 0 when none are."""
        if len(self.acknowledged) == self._erased_rows:
            self._acknowledged_since = None
            return 0.0
        if self._acknowledged_since is None:
            self._acknowledged_since = now
        return now - self._acknowledged_since

    def erase_acknowledged(self) -> None:
        """Overwrite the rows that were acknowledged, for a file that stays long for the sake of others."""
        with self._translating(), self._lock:
            self.save_acknowledged()
            connection = self._connect()
            connection.execute("PRAGMA secure_delete = ON")
            for run in self.acknowledged:
                connection.execute("DELETE FROM row WHERE id BETWEEN ? AND ?", run)
            self._erased_rows = len(self.acknowledged)
        self.release()  # brings the log in, and deletes it

    def integrity_problems(self) -> list[str]:
        """What SQLite and the check sums have to say against the file; empty when it is sound."""
        with self._translating(), self._lock:
            found = [text for (text,) in self._connect().execute("PRAGMA integrity_check") if text != "ok"]
            for first, last in self.acknowledged.gaps(self.last_id):
                for start in range(first, last + 1, _READ_ROWS):
                    self._read(start, min(last, start + _READ_ROWS - 1))
        return found
