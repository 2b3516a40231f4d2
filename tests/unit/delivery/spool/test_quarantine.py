"""What the server refused, kept for people."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from langfuse_otel.delivery.spool.error import SpoolError
from langfuse_otel.delivery.spool.quarantine import Quarantine
from langfuse_otel.delivery.spool.salvage import StoredRow


def test_rows_are_kept_in_order_with_their_reason_until_they_are_removed(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path)
    assert (quarantine.list(), quarantine.rows()) == ([], [])
    for n in range(3):
        assert quarantine.add(StoredRow(7, n, b"%d" % n), f"reason {n}") == 0
    kept = Quarantine(tmp_path).list()
    assert [(row.stored_ms, row.reason) for row in kept] == [(n, f"reason {n}") for n in range(3)]
    quarantine.remove(kept[1].id)
    assert [row.body for row in quarantine.rows()] == [b"2"]
    assert quarantine.path.stat().st_mode & 0o777 == 0o600


def test_bytes_are_a_limit_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("langfuse_otel.delivery.spool.quarantine.MAX_BYTES", 100)
    quarantine = Quarantine(tmp_path)
    assert [quarantine.add(StoredRow(1, n, bytes(40)), "no") for n in range(4)] == [0, 0, 1, 1]
    assert quarantine.add(StoredRow(1, 4, bytes(200)), "no") == 2, "the newest is kept whatever its size"
    assert [row.body_bytes for row in quarantine.list()] == [200]


def test_a_damaged_one_is_set_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path)
    quarantine.path.write_bytes(b"not a database" * 1_000)
    with pytest.raises(SpoolError):
        quarantine.add(StoredRow(1, 1, b"a"), "no")
    quarantine.add(StoredRow(1, 1, b"a"), "no")
    assert len(quarantine.list()) == 1
    assert (tmp_path / "quarantine.db.damaged-1").exists()


@pytest.mark.parametrize("kind", ["fifo", "symlink", "hard link"])
def test_what_is_no_plain_file_of_ours_is_neither_opened_nor_waited_for(tmp_path: Path, kind: str) -> None:
    quarantine, other = Quarantine(tmp_path), tmp_path / "other"
    other.touch()
    if kind == "fifo":
        os.mkfifo(quarantine.path)
    elif kind == "symlink":
        quarantine.path.symlink_to(other)
    else:
        os.link(other, quarantine.path)
    with pytest.raises(SpoolError, match="not a plain file"):
        quarantine.add(StoredRow(1, 1, b"a"), "no")
    assert other.read_bytes() == b""
