"""One file: its rows, and what it says when disk or content fail."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from langfuse_otel.delivery.spool.directory import create_file, wal_of
from langfuse_otel.delivery.spool.error import DamagedFileError, SpoolError
from langfuse_otel.delivery.spool.file import SpoolFile

MIB = 1024 * 1024


@pytest.fixture
def file(tmp_path: Path) -> SpoolFile:
    """Ten rows, one a second."""
    made = SpoolFile.create(tmp_path / "a.db", "NORMAL", MIB)
    for n in range(10):
        made.append(n * 1_000, b"%d" % n)
    return made


def ids(file: SpoolFile, rows: int = 100) -> list[int]:
    return [row.id for row in file.take(rows, MIB)]


def test_acknowledged_rows_stay_so_whatever_is_put_back(file: SpoolFile) -> None:
    assert ids(file, 6) == [1, 2, 3, 4, 5, 6]
    file.acknowledge([(2, 4)])
    file.put_back([(1, 6)])
    assert ids(file) == [1, 5, 6, 7, 8, 9, 10]


def test_old_rows_are_taken_up_to_a_time_but_for_those_under_way(file: SpoolFile) -> None:
    assert ids(file, 2) == [1, 2]
    assert file.take_older_than(5_000) == [(3, 5)]
    assert file.take_older_than(5_000) == []
    assert file.oldest_ms() == 5_000


@pytest.mark.parametrize("now_ms", [0, 10**15])
def test_ages_that_cannot_be_count_from_now(file: SpoolFile, now_ms: int) -> None:
    """Whoever stored these rows had a clock that was ahead of ours, or stood at 1970."""
    file.mistrust_ages(now_ms, 10**12)
    assert file.take_older_than(now_ms - 20_000) == []
    assert file.take_older_than(now_ms + 20_000) == [(1, 10)]


def test_a_closed_file_opens_again_by_itself_and_leaves_no_log(file: SpoolFile) -> None:
    file.release()
    assert not wal_of(file.path).exists()
    assert ids(file) == list(range(1, 11))
    file.release()
    file.release()


def test_what_an_owner_had_only_begun_to_make_is_empty_and_not_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    create_file(path)
    begun = SpoolFile(path, "NORMAL")
    begun.load()
    assert (begun.is_loaded, begun.unacknowledged_rows) == (True, 0)
    begun.release()  # now SQLite's own header is in it, and no table yet
    again = SpoolFile(path, "NORMAL")
    again.load()
    assert (again.is_loaded, again.unacknowledged_rows) == (True, 0)


class FailingConnection:
    """A connection to a disk that fails, with SQLite's words for it."""

    def __init__(self, words: str) -> None:
        self._words = words

    def execute(self, *_: Any) -> None:
        raise sqlite3.OperationalError(self._words)

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("disk I/O error", SpoolError),
        ("database or disk is full", SpoolError),
        ("attempt to write a readonly database", SpoolError),
        ("unable to open database file", SpoolError),
        ("database disk image is malformed", DamagedFileError),
    ],
)
def test_a_failing_disk_is_told_from_a_damaged_file(
    file: SpoolFile, monkeypatch: pytest.MonkeyPatch, words: str, error: type[Exception]
) -> None:
    file.release()
    file.acknowledge([(1, 1)])
    with monkeypatch.context() as failing:
        failing.setattr(sqlite3, "connect", lambda *_, **__: FailingConnection(words))
        for call in (lambda: file.append(0, b""), lambda: file.take(1, MIB), file.save_acknowledged):
            with pytest.raises(error, match=words):
                call()
    assert file.damaged == (error is DamagedFileError)
    assert file.unsaved, "the acknowledgement is not forgotten"
    file.save_acknowledged()
    assert not file.unsaved
    assert ids(file) == list(range(2, 11)), "and all goes on when the disk does"


def test_a_failing_sync_leaves_the_rows_to_the_next(file: SpoolFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(5, os.strerror(5))

    with monkeypatch.context() as failing:
        failing.setattr("langfuse_otel.delivery.spool.database._fdatasync", fail)
        with pytest.raises(SpoolError, match="Input/output error"):
            file.sync()
    assert file.unsynced
    file.sync()
    assert not file.unsynced
