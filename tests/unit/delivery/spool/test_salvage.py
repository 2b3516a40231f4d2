"""What can be told from the bytes of a file, without SQLite."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langfuse_otel.delivery.spool.database import PAGE_BYTES
from langfuse_otel.delivery.spool.directory import wal_of
from langfuse_otel.delivery.spool.file import SpoolFile
from langfuse_otel.delivery.spool.salvage import StoredRow, committed_frames, salvage

BODIES = [b"x" * size for size in (0, 1, 100, 1_900, 2_048, 10_000, 300_000)]  # the longer ones go on in further pages
ROWS = [StoredRow(n, 1_000 + n, body) for n, body in enumerate(BODIES, 1)]


def filled(path: Path) -> SpoolFile:
    file = SpoolFile.create(path, "NORMAL", 1 << 26)
    for row in ROWS:
        file.append(row.stored_ms, row.body)
    file.acknowledge([(1, 2), (4, 4)])
    file.save_acknowledged()
    return file


def test_rows_and_acknowledgements_are_found_in_the_log_and_in_the_database(tmp_path: Path) -> None:
    file = filled(tmp_path / "a.db")
    copy = tmp_path / "b.db"
    shutil.copy(file.path, copy)
    shutil.copy(wal_of(file.path), wal_of(copy))
    assert salvage(copy, wal_of(copy), PAGE_BYTES) == (ROWS, [(1, 2), (4, 4)])

    file.release()  # brings the log in
    assert not wal_of(file.path).exists()
    assert salvage(file.path, wal_of(file.path), PAGE_BYTES) == (ROWS, [(1, 2), (4, 4)])


@given(st.binary(max_size=3 * PAGE_BYTES), st.binary(max_size=3 * PAGE_BYTES))
def test_no_bytes_at_all_break_it(data: bytes, logged: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "a.db"
        path.write_bytes(b"\x0d" + data)  # begins as a page of rows does
        wal_of(path).write_bytes(logged)
        committed_frames(wal_of(path))
        assert salvage(path, wal_of(path), PAGE_BYTES)[0] == []


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A sound file."""
    file = filled(tmp_path_factory.mktemp("sound") / "a.db")
    file.release()
    return file.path.read_bytes()


@given(data=st.data())
@settings(max_examples=50)
def test_no_change_of_its_bytes_breaks_it_or_makes_up_a_row(content: bytes, data: st.DataObject) -> None:
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 20))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "a.db"
        path.write_bytes(changed)
        rows, _ = salvage(path, wal_of(path), PAGE_BYTES)
    assert {(row.stored_ms, row.body) for row in rows} <= {(row.stored_ms, row.body) for row in ROWS}


def test_a_transaction_that_a_kill_cut_short_was_not_finished(tmp_path: Path) -> None:
    """SQLite writes the header of a page, and then the page: between the two, and inside, a kill may come."""
    file = filled(tmp_path / "a.db")
    before = wal_of(file.path).stat().st_size
    file.append(1, b"y" * 5_000)
    logged = wal_of(file.path).read_bytes()
    last_frame = len(logged) - PAGE_BYTES - 24

    for cut in (before, before + 1, last_frame, last_frame + 24, last_frame + 25, len(logged) - 1):
        shutil.copy(file.path, tmp_path / "cut.db")
        wal_of(tmp_path / "cut.db").write_bytes(logged[:cut])
        killed = SpoolFile(tmp_path / "cut.db", "NORMAL")
        killed.load()  # does not take it for damaged
        assert killed.last_id == len(ROWS)
        killed.remove()
    file.remove()
