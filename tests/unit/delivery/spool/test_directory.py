"""Whose files are whose, and which are touched at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from langfuse_otel.delivery.spool import directory as spool_directory
from langfuse_otel.delivery.spool.directory import Ownership, is_own_file, owners, said_by, set_aside


def test_only_plain_files_by_one_name_are_opened(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    (tmp_path / "symlink").symlink_to(tmp_path / "plain")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")  # opening one waits for whoever writes
    (tmp_path / "twice").touch()
    os.link(tmp_path / "twice", tmp_path / "another name")
    found = {path.name for path in tmp_path.iterdir() if is_own_file(path)}
    assert found == {"plain"}
    assert not is_own_file(tmp_path / "missing")


def test_files_that_only_look_like_an_owner_s_are_left_out(tmp_path: Path) -> None:
    owner = "0123456789abcdef"
    os.mkfifo(tmp_path / f"{owner}-000001.db")
    (tmp_path / f"{owner}-000002.db").touch()
    (tmp_path / f"{owner}-000003.db.damaged-1").touch()
    (tmp_path / "notes.txt").touch()
    assert owners(tmp_path) == [owner]
    assert spool_directory.data_files(tmp_path, owner) == [tmp_path / f"{owner}-000002.db"]


def test_an_owner_is_one_at_a_time_and_the_next_after_that(tmp_path: Path) -> None:
    first = Ownership.new(tmp_path)
    assert Ownership.take(tmp_path, first.owner) is None
    first.give_up(delete=False)
    second = Ownership.take(tmp_path, first.owner)
    assert second is not None
    second.give_up(delete=True)
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("theirs")
    (tmp_path / "0123456789abcdef.lock").symlink_to(target)
    with pytest.raises(OSError):
        Ownership.take(tmp_path, "0123456789abcdef")
    assert target.read_text() == "theirs"


def test_what_an_owner_says_replaces_what_it_said(tmp_path: Path) -> None:
    ownership = Ownership.new(tmp_path)
    ownership.say({"pid": 123, "rows": 1_000_000})
    ownership.say({"pid": 1})
    assert said_by(tmp_path, ownership.owner) == {"pid": 1}
    assert said_by(tmp_path, "0" * 16) == {}
    ownership.give_up(delete=True)


def test_a_file_is_set_aside_with_its_log_under_a_name_that_is_free(tmp_path: Path) -> None:
    for n in (1, 2):
        (tmp_path / "a.db").write_text(str(n))
        (tmp_path / "a.db-wal").write_text(f"log {n}")
        assert set_aside(tmp_path / "a.db") == tmp_path / f"a.db.damaged-{n}"
    content = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert content == {
        "a.db.damaged-1": "1",
        "a.db.damaged-1-wal": "log 1",
        "a.db.damaged-2": "2",
        "a.db.damaged-2-wal": "log 2",
    }
