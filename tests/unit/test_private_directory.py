"""Directories and files that are their user's alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from langfuse_otel.private_directory import UnsafeDirectoryError, check, prepare, prepare_file


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state" / "private"


@pytest.fixture(params=[0o000, 0o022, 0o277], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestDirectory:
    def test_it_is_made_with_the_folders_above_it(self, directory: Path) -> None:
        prepare(directory)
        assert mode(directory) == 0o700
        prepare(directory)

    @pytest.mark.usefixtures("umask")
    def test_the_umask_makes_no_difference(self, tmp_path: Path) -> None:
        prepare(tmp_path / "private")
        assert mode(tmp_path / "private") == 0o700

    @pytest.mark.parametrize("writable", [0o770, 0o707, 0o777], ids=oct)
    def test_one_that_others_may_write_into_is_refused(self, directory: Path, writable: int) -> None:
        directory.mkdir(parents=True)
        directory.chmod(writable)
        with pytest.raises(UnsafeDirectoryError, match="chmod 700"):
            prepare(directory)

    def test_so_is_one_that_anyone_may_rename(self, directory: Path) -> None:
        directory.parent.mkdir()
        directory.parent.chmod(0o777)
        with pytest.raises(UnsafeDirectoryError, match="rename"):
            prepare(directory)
        directory.parent.chmod(0o1777)  # as /tmp: only its owner may
        prepare(directory)

    def test_so_is_one_of_another_user(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        prepare(directory)
        monkeypatch.setattr(os, "geteuid", lambda: directory.stat().st_uid + 1)
        with pytest.raises(UnsafeDirectoryError, match="another user"):
            check(directory)

    def test_symbolic_links_are_not_followed(self, directory: Path, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        directory.parent.mkdir()
        directory.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(UnsafeDirectoryError, match="symbolic link"):
            prepare(directory)

    def test_a_file_in_its_place_is_refused(self, directory: Path) -> None:
        directory.parent.mkdir()
        directory.write_bytes(b"")
        with pytest.raises(UnsafeDirectoryError, match="not a directory"):
            prepare(directory)


class TestFile:
    @pytest.mark.usefixtures("umask")
    def test_only_its_user_can_read_it(self, tmp_path: Path) -> None:
        prepare_file(tmp_path / "file")
        assert mode(tmp_path / "file") & 0o077 == 0

    def test_one_that_is_there_is_closed_to_others_and_keeps_its_content(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"content")
        path.chmod(0o644)
        prepare_file(path)
        assert (mode(path), path.read_bytes()) == (0o600, b"content")

    @pytest.mark.parametrize("kind", ["symlink", "hardlink", "fifo"])
    def test_what_was_planted_is_refused(self, tmp_path: Path, kind: str) -> None:
        path, victim = tmp_path / "file", tmp_path / "victim"
        victim.write_bytes(b"")
        victim.chmod(0o644)
        if kind == "symlink":
            path.symlink_to(victim)
        elif kind == "hardlink":
            path.hardlink_to(victim)
        else:
            os.mkfifo(path)
        with pytest.raises(UnsafeDirectoryError):
            prepare_file(path)
        assert mode(victim) == 0o644
