"""The data file."""

from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from langfuse_otel.server.project import load_project
from langfuse_otel.server.store import Store, StoreError, to_columns, upsert

ROW = {"trace_id": "t", "id": "a", "start_ms": 1, "created_ms": 5, "updated_ms": 5}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "langfuse.db"


def test_only_its_owner_can_read_it(path: Path) -> None:
    store = Store(path)
    upsert_row(store)
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    store.close()


def upsert_row(store: Store, **changes: object) -> None:
    with store.write() as connection:
        upsert(connection, "observations", ("trace_id", "id"), to_columns({**ROW, **changes}))


def test_what_was_written_is_there_after_a_restart(path: Path) -> None:
    first = Store(path)
    keys = load_project(first)
    upsert_row(first)
    first.close()
    second = Store(path)
    assert load_project(second) == keys
    assert second.connection().execute("SELECT count(*) FROM observations").fetchone()[0] == 1
    second.close()


def test_a_row_with_the_same_key_is_written_over_but_keeps_when_it_was_made(path: Path) -> None:
    store = Store(path)
    upsert_row(store)
    upsert_row(store, created_ms=9, updated_ms=9, name="later")
    row = store.connection().execute("SELECT name, created_ms, updated_ms FROM observations").fetchone()
    assert tuple(row) == ("later", 5, 9)
    store.close()


def test_a_transaction_that_fails_leaves_nothing(path: Path) -> None:
    store = Store(path)
    with pytest.raises(RuntimeError), store.write() as connection:
        upsert(connection, "observations", ("trace_id", "id"), to_columns(ROW))
        raise RuntimeError
    assert store.connection().execute("SELECT count(*) FROM observations").fetchone()[0] == 0
    store.close()


def test_many_threads_write(path: Path) -> None:
    store = Store(path)
    threads = [threading.Thread(target=upsert_row, args=(store,), kwargs={"id": str(n)}) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.connection().execute("SELECT count(*) FROM observations").fetchone()[0] == 16
    store.close()


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("notes, much longer than the header of a database file would be" * 20)
    with pytest.raises(StoreError, match=r"langfuse\.db cannot be used"):
        Store(path)


def test_another_version_s_file_is_refused(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="delete it or name another"):
        Store(path)


def test_the_secret_key_is_not_in_the_project_s_text(path: Path) -> None:
    store = Store(path)
    project = load_project(store)
    assert project.secret_key not in repr(project)
    store.close()
