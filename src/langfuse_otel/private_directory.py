"""A directory for its user alone, for what is kept on disk: spans that wait, prompts that processes share.

What lies there may hold users' words, and is read back: nobody else may read it, nor put something of his own in its
place. So it is made with mode 0700, and one that is there already is refused when others have a hand in it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from langfuse_otel.errors import LangfuseError


class UnsafeDirectoryError(LangfuseError):
    """Others could read or replace what is in a directory that is to be private."""

    code = "unsafe_directory"


def prepare(directory: Path) -> None:
    """Make the directory, with mode 0700 whatever the umask, or see to it that nobody else has a hand in it.

    Raises:
        UnsafeDirectoryError: Anyone may rename it, or ``check`` refuses it.
        OSError: It cannot be made.
    """
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        directory.chmod(0o700)
    parent = directory.parent.stat().st_mode
    if parent & stat.S_IWOTH and not parent & stat.S_ISVTX:
        raise UnsafeDirectoryError(f"{directory.parent}: anyone may rename what is in there: choose another directory")
    check(directory)


def check(directory: Path) -> None:
    """Refuse a directory that others have a hand in.

    Raises:
        UnsafeDirectoryError: It is a symbolic link, no directory, belongs to another user, or others may write into it.
        OSError: It cannot be looked at.
    """
    found = directory.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise UnsafeDirectoryError(f"{directory} is a symbolic link: name the directory itself")
    if not stat.S_ISDIR(found.st_mode):
        raise UnsafeDirectoryError(f"{directory} is not a directory")
    if not hasattr(os, "geteuid"):  # Windows: the user's folders have access lists of their own
        return
    if found.st_uid != os.geteuid():
        raise UnsafeDirectoryError(f"{directory} belongs to another user: choose another directory")
    if found.st_mode & 0o022:
        raise UnsafeDirectoryError(f"{directory} is writable for others: chmod 700, or choose another directory")


def prepare_file(path: Path) -> None:
    """An empty file with mode 0600, or the one that is there; SQLite gives what it puts beside it the same mode.

    Raises:
        UnsafeDirectoryError: Something else is there: a symbolic link, a file with another name besides, a pipe.
        OSError: It cannot be made.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:  # is not opened: closing it would end all locks that this process has in it
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            raise UnsafeDirectoryError(f"{path} is a symbolic link") from None
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise UnsafeDirectoryError(f"{path} is not a file of its own") from None
        if found.st_mode & 0o077 and os.name != "nt":
            path.chmod(0o600)
