"""The data file: SQLite in WAL mode, so that readers never wait for the writer."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from langfuse_otel.server.typed import convert

_SCHEMA_VERSION = 2  # of the data file; another one is refused rather than guessed
_SCHEMA = Path(__file__).with_name("schema.sql")
_JSON_COLUMNS = frozenset(
    {"tags", "model_parameters", "usage", "cost", "metadata", "labels", "config", "prompt", "users"}
)
_Record = TypeVar("_Record", bound=msgspec.Struct)


class StoreError(Exception):
    """The data file cannot be used; says why and what to do."""


class Store:
    """One data file, used by the threads of one process.

    Args:
        path: Made when missing, readable by its owner only: prompts and answers are in it.

    Raises:
        StoreError: Not a data file of this version, or the file system refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._write_lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            path.chmod(0o600)  # also one that was made otherwise; SQLite gives -wal and -shm the same mode
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise StoreError(f"{path} cannot be used as data file: {error}") from error

    def _prepare(self) -> None:
        connection = self.connection()
        connection.execute("PRAGMA journal_mode = WAL")
        with self.write():
            (found,) = connection.execute("PRAGMA user_version").fetchone()
            if found == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                for statement in _statements(_SCHEMA.read_text(encoding="utf-8")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            elif found != _SCHEMA_VERSION:
                raise StoreError(
                    f"{self.path} is no data file of this version of langfuse-otel; delete it or name another"
                )

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, for reading."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = NORMAL")
            self._local.connection = connection
            self._connections.append(connection)
        return connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection in a transaction: one writer at a time, all or nothing."""
        connection = self.connection()
        with self._write_lock:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file; no thread may use it any more."""
        while self._connections:
            self._connections.pop().close()
        self._local = threading.local()


def upsert(connection: sqlite3.Connection, table: str, key: tuple[str, ...], columns: Mapping[str, Any]) -> None:
    """Write a row: a new one, or over these columns, but for ``created_ms``, of the one with the same key."""
    names = ", ".join(columns)
    marks = ", ".join("?" * len(columns))
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in (*key, "created_ms"))
    connection.execute(
        f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed}",
        tuple(columns.values()),
    )


def to_columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a record as SQLite stores them."""
    return {
        name: msgspec.json.encode(value).decode() if name in _JSON_COLUMNS else value for name, value in fields.items()
    }


def from_row(row: sqlite3.Row, record: type[_Record]) -> _Record:
    """A row as its record; columns that the record does not have are left out."""
    fields = {
        name: msgspec.json.decode(row[name]) if name in _JSON_COLUMNS and row[name] is not None else row[name]
        for name in row.keys()  # noqa: SIM118  # a Row iterates over its values
    }
    return convert(fields, record, strict=False)


def _statements(script: str) -> Iterator[str]:
    """One statement at a time: ``executescript`` would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
