"""Directories that are not safe, and a disk that fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from langfuse_otel.delivery.spool.error import SpoolError, UnsafeSpoolError
from support.clock import FakeClock
from support.spools import MIB, files, make_spool, take_all

# --- Directories that are not safe ------------------------------------------------------------------------------------


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "spool").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeSpoolError, match="symbolic link"):
        make_spool(tmp_path)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_directory_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool").chmod(mode)
    with pytest.raises(UnsafeSpoolError, match="writable for others"):
        make_spool(tmp_path)


def test_a_directory_in_one_where_anyone_may_rename_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(UnsafeSpoolError, match="anyone may rename"):
        make_spool(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_someone_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir(mode=0o700)
    os.chown(tmp_path / "spool", 12345, 12345)
    with pytest.raises(UnsafeSpoolError, match="another user"):
        make_spool(tmp_path)


def test_links_that_look_like_files_of_the_spool_are_not_followed(tmp_path: Path) -> None:
    gone = make_spool(tmp_path)
    gone.put(b"a")
    gone.close()
    (name,) = files(tmp_path, "*.db")
    (path,) = (tmp_path / "spool").glob("*/*.db")
    path.rename(tmp_path / "outside.db")
    path.symlink_to(tmp_path / "outside.db")
    assert take_all(make_spool(tmp_path)) == []
    assert (tmp_path / "outside.db").exists()
    assert name in files(tmp_path)


# --- A disk that fails ------------------------------------------------------------------------------------------------


def test_a_file_in_the_way_of_the_directory_fails_the_put_and_nothing_else(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    clock = FakeClock()
    spool = make_spool(blocked, clock=clock)
    with pytest.raises(SpoolError):
        spool.put(b"a")
    spool.maintain()
    assert spool.take(10, MIB) == []
    blocked.unlink()
    clock.sleep(2)
    spool.put(b"b")
    assert [row.body for row in take_all(spool)] == [b"b"]


def test_a_closed_spool_says_so_and_closing_twice_is_fine(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    spool.close()
    spool.close()
    with pytest.raises(SpoolError, match="closed"):
        spool.put(b"a")
    assert spool.take(1, MIB) == []
    spool.maintain()


def test_a_backlog_is_looked_into_as_it_is_taken_when_upkeep_has_not_come_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        gone = make_spool(tmp_path)
        gone.put(b"%d" % n)
        gone.close()
    monkeypatch.setattr("langfuse_otel.delivery.spool.spool._LOAD_S", 0.0)
    spool = make_spool(tmp_path)
    spool.maintain()
    assert spool.waiting_rows == 0, "nobody knows yet"
    assert {row.body for row in spool.take(10, MIB)} == {b"0", b"1", b"2"}


def test_descriptors_stay_few_after_a_crash_loop(tmp_path: Path) -> None:
    for _ in range(40):
        gone = make_spool(tmp_path)
        gone.put(b"a")
        gone.close()
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    spool = make_spool(tmp_path)
    spool.put(b"own")
    for _ in range(40):
        spool._looked_around_at = float("-inf")
        spool.maintain()
    if before:
        assert len(os.listdir("/proc/self/fd")) - before <= 12
    assert len(take_all(spool)) == 41
