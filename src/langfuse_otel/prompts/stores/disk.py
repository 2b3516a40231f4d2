"""A shared tier for the processes of one host: one SQLite file, in a directory that is its user's alone.

For prefork servers without Redis. Readers never wait (WAL); a writer waits for the others at most ``_BUSY_S``. A file
that is damaged is replaced by a new one, and so is one that somebody removed: all of it can be fetched again.

Other processes hear of changes by looking at the size and time of SQLite's journal once a second, and into the file
only when those have changed.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from langfuse_otel import fork, private_directory
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.prompts.stores.base import StoreKey

MAX_VALUE_BYTES = 16 * 1024 * 1024
KEEP_S = 30 * 24 * 3600.0
"""A prompt that nobody has renewed for this long, seconds, is removed when a process opens the file."""

_FILE = "prompts-v1.db"
_BUSY_S = 1.0
_FORK_S = 0.1
_LOOK_S = 1.0
_MAX_NEWS = 1_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS prompts (
    prompt TEXT, which TEXT, value BLOB NOT NULL, put_at REAL NOT NULL, PRIMARY KEY (prompt, which)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS locks (prompt TEXT PRIMARY KEY, owner TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS news (number INTEGER PRIMARY KEY AUTOINCREMENT, sender TEXT NOT NULL, message BLOB NOT NULL);
"""
_HOLDS = "SELECT 1 FROM locks WHERE prompt = ? AND owner = ? AND until > ? AND until <= ? + 3600"


class DiskStore:
    """See the module. Usable by all threads, and after a fork, for which the file is closed.

    Args:
        directory: On a local disk. Made for its user alone (0700) when it is first used. The file in it has mode 0600.
        clock: For the age of values and of locks. Its monotonic time has to be that of the whole host.

    Every method may raise:
        UnsafeDirectoryError: The directory is somebody else's, others may write into it, or it is a symbolic link.
        OSError: It cannot be made.
        sqlite3.Error: The file is damaged, or cannot be written.
    """

    name = "disk"
    max_bytes = MAX_VALUE_BYTES

    def __init__(self, directory: Path | str, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._path = Path(directory).absolute() / _FILE
        self._clock = clock
        self._left_behind: list[sqlite3.Connection] = []
        self._is_held: bool | None = None
        self._is_barred = False
        self._connection: sqlite3.Connection | None = None
        self._read_until: int | None = None
        self._seen: tuple[int, int] | None = None
        self._begin()
        fork.register(self)

    def get(self, key: StoreKey) -> bytes | None:
        """See ``Store``."""
        with self._database() as database:
            found = database.execute("SELECT value FROM prompts WHERE prompt = ? AND which = ?", key).fetchone()
        return found[0] if found is not None and isinstance(found[0], bytes) else None

    def claim(self, key: StoreKey, *, owner: str, expiry_s: float) -> bytes | bool:
        """See ``Store``. A value that comes between the two steps is found by the reader's second look."""
        found = self.get(key)
        return self.lock(key.prompt, owner=owner, expiry_s=expiry_s) if found is None else found

    def put(self, key: StoreKey, value: bytes, *, owner: str) -> bool:
        """See ``Store``."""
        now = self._clock.monotonic()
        with self._database() as database, _transaction(database):
            if database.execute(_HOLDS, (key.prompt, owner, now, now)).fetchone() is None:
                return False
            row = (*key, value, self._clock.wall())
            database.execute("INSERT OR REPLACE INTO prompts VALUES (?, ?, ?, ?)", row)
            database.execute("DELETE FROM locks WHERE prompt = ?", (key.prompt,))
            return True

    def forget(self, prompt: str) -> None:
        """See ``Store``."""
        with self._database() as database, _transaction(database):
            database.execute("DELETE FROM prompts WHERE prompt = ?", (prompt,))
            database.execute("DELETE FROM locks WHERE prompt = ?", (prompt,))

    def lock(self, prompt: str, *, owner: str, expiry_s: float) -> bool:
        """See ``Store``."""
        now = self._clock.monotonic()
        with self._database() as database:
            if _is_locked(database, prompt, owner, now):  # without a write that would wait for other writers
                return False
            try:
                with _transaction(database):
                    if _is_locked(database, prompt, owner, now):
                        return False
                    row = (prompt, owner, now + expiry_s)
                    database.execute("INSERT OR REPLACE INTO locks VALUES (?, ?, ?)", row)
                    return True
            except sqlite3.OperationalError as error:
                if _is_busy(error):  # others write: as good as locked
                    return False
                raise

    def unlock(self, prompt: str, *, owner: str) -> None:
        """See ``Store``."""
        with self._database() as database:
            database.execute("DELETE FROM locks WHERE prompt = ? AND owner = ?", (prompt, owner))

    def announce(self, message: bytes) -> None:
        """See ``Store``."""
        with self._database() as database, _transaction(database):
            number = database.execute(
                "INSERT INTO news (sender, message) VALUES (?, ?)", (self._sender, message)
            ).lastrowid
            database.execute("DELETE FROM news WHERE number <= ?", ((number or 0) - _MAX_NEWS,))

    def messages(self, timeout_s: float) -> Sequence[bytes]:
        """See ``Store``. Looks when the time, or a second, is over."""
        if self._read_until is None:  # news from before the first look are none
            self._read_until = self._last_number()
        self._closed.wait(min(timeout_s, _LOOK_S))
        if not self._has_changed():
            return ()
        query = "SELECT number, sender, message FROM news WHERE number > ? ORDER BY number"
        with self._database() as database:
            rows = database.execute(query, (self._read_until,)).fetchall()
        if not rows:
            self._read_until = min(self._read_until, self._last_number())  # a new file counts from the start
            return ()
        self._read_until = rows[-1][0]
        return [message for _, sender, message in rows if sender != self._sender]

    def close(self) -> None:
        """See ``Store``."""
        self._closed.set()
        with self._lock:
            self._disconnect()

    def before_fork(self) -> None:
        """Close the file, unless a thread is at it for longer than one can wait here.

        A child that inherits it open takes the parent's locks in it for its own. So the parent, when it closes it
        later, finds itself alone and removes the journal under the child, which goes on with an older state.
        """
        self._is_held = self._lock.acquire(timeout=_FORK_S)
        if self._is_held:
            self._disconnect()

    def after_fork_parent(self) -> None:
        """It is opened again by who needs it."""
        if self._is_held:
            self._lock.release()
        self._is_held = None

    def after_fork_child(self) -> None:
        """A connection that was not closed stays the parent's: it must not be used here, nor even closed.

        If it could not be closed, the store is out of service here: SQLite has one view of the file in a process. uWSGI
        did not tell us before, but its master, which keeps the file open for as long as there are workers, guards them.
        """
        if self._connection is not None:
            self._left_behind.append(self._connection)
        self._is_barred |= self._is_held is False
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._is_held = None
        self._closed = threading.Event()
        self._connection = None
        self._inode = 0
        self._sender = os.urandom(8).hex()
        self._read_until = None
        self._seen = None

    def _last_number(self) -> int:
        with self._database() as database:
            number: int = database.execute("SELECT coalesce(max(number), 0) FROM news").fetchone()[0]
            return number

    def _has_changed(self) -> bool:
        """Whether anybody has written since the last look."""
        try:
            found = self._path.with_name(f"{_FILE}-wal").stat()
        except OSError:
            return True
        seen, self._seen = self._seen, (found.st_mtime_ns, found.st_size)
        return seen != self._seen

    @contextlib.contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time. A file that turns out to be damaged is replaced, for the next."""
        with self._lock:
            try:
                yield self._connected()
            except sqlite3.DatabaseError as error:
                if _is_damaged(error):
                    self._replace()
                raise

    def _connected(self) -> sqlite3.Connection:
        if (
            self._connection is not None and _inode(self._path) != self._inode
        ):  # replaced by another process, or removed
            self._disconnect()
        if self._is_barred:
            raise sqlite3.OperationalError("another thread was using the file when this process was forked")
        if self._connection is None:
            private_directory.prepare(self._path.parent)
            private_directory.prepare_file(self._path)
            self._inode = _inode(self._path)
            self._connection = _open(self._path)
            oldest = self._clock.wall() - KEEP_S
            self._connection.execute("DELETE FROM prompts WHERE put_at < ?", (oldest,))
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _replace(self) -> None:
        """Remove the damaged file, unless another process did so already and this is a new one."""
        inode = self._inode
        self._disconnect()
        with contextlib.suppress(OSError):
            if _inode(self._path) == inode:
                for end in ("-wal", "-shm", ""):  # last what makes room for a new one, which has its own of these
                    self._path.with_name(_FILE + end).unlink(missing_ok=True)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        for attempt in range(20):  # switching to WAL wants the file for itself, and does not wait for it
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or attempt == 19:
                    raise
                time.sleep(0.01)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _is_locked(database: sqlite3.Connection, prompt: str, owner: str, now: float) -> bool:
    """Whether another has the lock. One from before the host was started may end in the far future: it is none."""
    query = "SELECT 1 FROM locks WHERE prompt = ? AND owner != ? AND until > ? AND until <= ? + 3600"
    return database.execute(query, (prompt, owner, now, now)).fetchone() is not None


def _is_busy(error: sqlite3.Error) -> bool:
    return "locked" in str(error) or "busy" in str(error)


def _is_damaged(error: sqlite3.DatabaseError) -> bool:
    """An error of the file's content; one of the system (full, read-only, busy) is another class or says so."""
    if isinstance(error, sqlite3.OperationalError):
        return "no such table" in str(error) or "no such column" in str(error)
    return type(error) is sqlite3.DatabaseError


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0
