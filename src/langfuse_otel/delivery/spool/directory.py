"""Where the spool's files are, who may read them, and which process each belongs to.

``<directory>/<12 hex digits of the project>/`` holds, for each owner, which is a spool in a process,

- ``<owner>.lock``, locked by ``flock`` as long as the owner lives: the kernel lets go of it however the process ends,
  so whoever gets the lock has found an orphan. Inside is what the owner says about itself, for ``langfuse-otel spool``;
- ``<owner>-<number>.db``, the rows, with SQLite's ``-wal`` beside it;
- ``*.db.rescue-<n>``, empty: the n-th attempt to save what is in a damaged file has begun;
- ``*.damaged-<n>``, files that were set aside.

The project is told by a hash and written down nowhere; no credential is in any of this.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langfuse_otel import private_directory
from langfuse_otel.delivery.spool.error import SpoolError, UnsafeSpoolError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_DATA = re.compile(r"(?P<owner>[0-9a-f]{16})-\d{6}\.db")
_LOCK = re.compile(r"(?P<owner>[0-9a-f]{16})\.lock")


def project_hash(project: str) -> str:
    """The directory of a project's files: twelve digits tell projects apart and tell nothing of them."""
    return hashlib.sha256(project.encode()).hexdigest()[:12]


def prepare(directory: Path, project: str) -> Path:
    """Make the project's directory, for its user alone.

    Raises:
        UnsafeSpoolError: Others could put files there, or read what is: it belongs to someone else, is writable for
            group or others, or is a symbolic link; or this system has no ``flock``.
        SpoolError: It cannot be made.
    """
    if fcntl is None:
        raise UnsafeSpoolError('delivery="at_least_once" needs the file locks of POSIX: not available on this system')
    directory = Path.cwd() / directory
    path = directory / project_hash(project)
    try:
        for made in (directory, path):
            private_directory.prepare(made)
        path.chmod(0o700)
    except private_directory.UnsafeDirectoryError as error:
        raise UnsafeSpoolError(str(error)) from error
    except OSError as error:
        raise SpoolError(f"the spool directory cannot be used: {error}") from error
    return path


def check(directory: Path) -> None:
    """Refuse a directory that others have a hand in.

    Raises:
        UnsafeSpoolError: See ``prepare``.
        OSError: It cannot be looked at.
    """
    try:
        private_directory.check(directory)
    except private_directory.UnsafeDirectoryError as error:
        raise UnsafeSpoolError(str(error)) from error


def create_file(path: Path) -> None:
    """A new, empty file for its user alone; SQLite gives what it puts beside it the same mode."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(descriptor, 0o600)  # whatever the umask
    finally:
        os.close(descriptor)


def is_own_file(path: Path) -> bool:
    """Whether that is a plain file of this user, by one name only."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1


def wal_of(path: Path) -> Path:
    """SQLite's log of a file."""
    return path.with_name(path.name + "-wal")


def set_aside(path: Path) -> Path:
    """Rename a file, and its log, so that nobody opens it again; the new name."""
    for number in range(1, 10_000):
        aside = path.with_name(f"{path.name}.damaged-{number}")
        if not os.path.lexists(aside):
            break
    for suffix in ("-wal", "-journal", "-shm", ""):  # a log without its file would be taken for a left-over
        beside = path.with_name(path.name + suffix)
        if os.path.lexists(beside):
            beside.rename(aside.with_name(aside.name + suffix))
    return aside


def remove_leftovers(directory: Path, owner: str) -> None:
    """Put right what an owner was about to do when it ended. Raises OSError.

    A file that it had renamed for a moment gets its name back, and what stood beside one that it deleted goes too.
    """
    for moved in directory.glob(f"{owner}-*.db.moved"):
        moved.rename(moved.with_suffix(""))
    for beside in (*directory.glob(f"{owner}-*.db-wal"), *directory.glob(f"{owner}-*.db.rescue-*")):
        name, suffix, _ = beside.name.partition(".db")
        if not os.path.lexists(beside.with_name(name + suffix)):
            beside.unlink(missing_ok=True)


def size_bytes(directory: Path) -> int:
    """What all files of a project take, whoever's they are."""
    total = 0
    with os.scandir(directory) as entries:
        for entry in entries:
            try:
                total += entry.stat(follow_symlinks=False).st_size
            except FileNotFoundError:  # its owner is through with it
                continue
    return total


def owners(directory: Path) -> list[str]:
    """All owners that have files in a project's directory, dead or alive."""
    found = (_LOCK.fullmatch(name) or _DATA.fullmatch(name) for name in _names(directory))
    return sorted({match["owner"] for match in found if match})


def data_files(directory: Path, owner: str) -> list[Path]:
    """An owner's files, oldest first; what only looks like one is left out."""
    found = (_DATA.fullmatch(name) for name in _names(directory))
    paths = (directory / match[0] for match in found if match and match["owner"] == owner)
    return [path for path in paths if is_own_file(path)]


def _names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


class Ownership:
    """The lock on an owner's files. ``Ownership.new`` and ``Ownership.take`` make one."""

    def __init__(self, directory: Path, owner: str, descriptor: int) -> None:
        self.directory = directory
        self.owner = owner
        self._descriptor = descriptor
        self._said = b""

    @classmethod
    def new(cls, directory: Path) -> Ownership:
        """An owner that was not there before. Raises OSError."""
        while True:
            owner = uuid.uuid4().hex[:16]
            ownership = cls.take(directory, owner)  # None in the moment in which another takes it for an orphan
            if ownership is not None:
                return ownership

    @classmethod
    def take(cls, directory: Path, owner: str) -> Ownership | None:
        """Become the one that answers for an owner's files; None while another does. Raises OSError."""
        path = directory / f"{owner}.lock"
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.fchmod(descriptor, 0o600)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return cls(directory, owner, descriptor)
        except OSError as error:  # locked, or the one that had it has deleted it
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.ENOENT):
                os.close(descriptor)
                raise
        os.close(descriptor)
        return None

    def path(self, number: int) -> Path:
        """The name of one of its files."""
        return self.directory / f"{self.owner}-{number:06}.db"

    def say(self, about: Mapping[str, Any]) -> None:
        """Leave a word for whoever looks while the owner lives. Raises OSError."""
        text = json.dumps(about).encode()
        if text != self._said:
            os.pwrite(self._descriptor, text, 0)
            os.ftruncate(self._descriptor, len(text))
            self._said = text

    def give_up(self, *, delete: bool) -> None:
        """Let go of the lock; delete it when no file is left."""
        if delete:
            (self.directory / f"{self.owner}.lock").unlink(missing_ok=True)
        self.forget()

    def forget(self) -> None:
        """Close the descriptor: in a forked child this leaves the parent's lock alone."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def said_by(directory: Path, owner: str) -> Mapping[str, Any]:
    """What a living owner says about itself; nothing when that cannot be read."""
    try:
        # Reading is no harm here: only SQLite's own files lose their locks when a descriptor is closed.
        said = json.loads((directory / f"{owner}.lock").read_bytes())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
