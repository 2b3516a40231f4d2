"""Adoption: whose files are taken over, and what becomes of the rest of an owner."""

from __future__ import annotations

import os
from pathlib import Path

from langfuse_otel.delivery.spool.directory import Ownership, said_by
from langfuse_otel.delivery.spool.file import SpoolFile
from langfuse_otel.delivery.spool.orphans import Orphans


def leave(directory: Path, *, files: int = 1) -> str:
    """An owner that is gone."""
    ownership = Ownership.new(directory)
    for number in range(files):
        file = SpoolFile.create(ownership.path(number + 1), "NORMAL", 1 << 20)
        file.append(1, b"a")
        file.release()
    ownership.give_up(delete=False)
    return ownership.owner


def test_all_files_of_an_owner_have_one_adopter_that_says_who_it_is(tmp_path: Path) -> None:
    owner = leave(tmp_path, files=3)
    first, second = Orphans(), Orphans()
    first.adopt(tmp_path, "NORMAL", set())
    second.adopt(tmp_path, "NORMAL", set())
    assert [len(first.files), len(second.files)] == [3, 0]
    assert said_by(tmp_path, owner) == {"pid": os.getpid()}

    first.close()
    second.adopt(tmp_path, "NORMAL", set())
    assert second.owners == {owner}
    second.close()


def test_with_its_last_file_nothing_is_left_of_an_owner(tmp_path: Path) -> None:
    leave(tmp_path, files=2)
    orphans = Orphans()
    orphans.adopt(tmp_path, "NORMAL", set())
    for file in orphans.files:
        file.remove()
        orphans.remove(file)
    assert list(tmp_path.iterdir()) == []
    assert orphans.owners == set()


def test_owners_without_files_and_logs_without_a_file_are_cleared_away(tmp_path: Path) -> None:
    owner = leave(tmp_path, files=0)
    (tmp_path / f"{owner}-000001.db-wal").touch()  # its owner ended while it deleted the file
    Orphans().adopt(tmp_path, "NORMAL", set())
    assert list(tmp_path.iterdir()) == []


def test_some_owners_are_adopted_at_a_time_and_the_others_stay_free(tmp_path: Path) -> None:
    everyone = {leave(tmp_path) for _ in range(10)}
    one, another = Orphans(), Orphans()
    for orphans in (one, another):
        orphans.adopt(tmp_path, "NORMAL", set())
        assert 0 < len(orphans.owners) < len(everyone)
    assert not one.owners & another.owners
    one.close()
    another.close()


def test_those_that_must_not_be_adopted_are_not(tmp_path: Path) -> None:
    owner = leave(tmp_path)
    orphans = Orphans()
    orphans.adopt(tmp_path, "NORMAL", {owner})
    assert orphans.files == []
