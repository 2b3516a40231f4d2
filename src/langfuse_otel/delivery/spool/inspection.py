"""What is in a spool directory, for people: looks, and changes nothing that a living process has."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from langfuse_otel.delivery.spool import directory as spool_directory
from langfuse_otel.delivery.spool.directory import Ownership
from langfuse_otel.delivery.spool.error import DamagedFileError, SpoolError
from langfuse_otel.delivery.spool.file import SpoolFile
from langfuse_otel.delivery.spool.quarantine import Quarantine, QuarantinedRow


@dataclass(frozen=True)
class OwnerReport:
    """The files of one owner.

    Attributes:
        owner: Its name.
        alive: Whether its process runs.
        pid: Of that process, when it is known.
        rows: Rows that are not delivered; None when that is not known.
        size_bytes: What the files take.
        oldest_at: When the oldest of the rows was put, seconds since the epoch; None when that is not known.
        problems: What is wrong with the files.
    """

    owner: str
    alive: bool
    pid: int | None
    rows: int | None
    size_bytes: int
    oldest_at: float | None
    problems: Sequence[str]


@dataclass(frozen=True)
class ProjectReport:
    """The files of one project, told by the hash of its host and public key."""

    project: str
    owners: Sequence[OwnerReport]
    quarantined: Sequence[QuarantinedRow]
    set_aside: Sequence[str]
    problems: Sequence[str]


def projects(directory: Path) -> list[Path]:
    """The projects' directories in a spool directory. Raises SpoolError."""
    try:
        if not os.path.lexists(directory):
            return []
        spool_directory.check(directory)
        return sorted(path for path in directory.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError as error:
        raise SpoolError(f"{directory} cannot be read: {error}") from error


def inspect(project: Path, *, thoroughly: bool) -> ProjectReport:
    """Look at a project's files; ``thoroughly`` reads every row of those that no living process has.

    Raises:
        SpoolError: The directory cannot be read.
    """
    try:
        owners = [_inspect_owner(project, owner, thoroughly) for owner in spool_directory.owners(project)]
        aside = sorted(path.name for path in project.glob("*.damaged-*") if not path.name.endswith("-wal"))
    except OSError as error:
        raise SpoolError(f"{project} cannot be read: {error}") from error
    quarantined: Sequence[QuarantinedRow] = ()
    problems = []
    try:
        quarantined = Quarantine(project).list()
    except SpoolError as error:
        problems.append(str(error))
    return ProjectReport(project.name, owners, quarantined, aside, problems)


def _inspect_owner(project: Path, owner: str, thoroughly: bool) -> OwnerReport:
    size = sum(path.stat().st_size for path in project.glob(f"{owner}-*.db*"))
    with held(project, owner) as ownership:
        if ownership is None:
            said = spool_directory.said_by(project, owner)
            return OwnerReport(owner, True, said.get("pid"), said.get("rows"), size, said.get("oldest_at"), ())
        rows, oldest, problems = 0, None, []
        for path in spool_directory.data_files(project, owner):
            file = SpoolFile(path, "NORMAL")
            try:
                file.load()
                rows += file.unacknowledged_rows
                oldest_ms = file.oldest_ms()
                if oldest_ms is not None:
                    oldest = min(oldest or oldest_ms, oldest_ms)
                if thoroughly:
                    problems += [f"{path.name}: {problem}" for problem in file.integrity_problems()]
            except (DamagedFileError, SpoolError) as error:
                problems.append(str(error))
            finally:
                if file.damaged:
                    file.leave_as_it_is()
                file.release()
        return OwnerReport(owner, False, None, rows, size, oldest / 1000 if oldest else None, problems)


def undelivered_files(project: Path) -> int:
    """How many files this process has, or nobody: what another living process has is its own affair.

    Raises:
        SpoolError: The directory cannot be read.
    """
    try:
        return sum(
            len(spool_directory.data_files(project, owner))
            for owner in spool_directory.owners(project)
            if not _is_of_another(project, owner)
        )
    except OSError as error:
        raise SpoolError(f"{project} cannot be read: {error}") from error


def _is_of_another(project: Path, owner: str) -> bool:
    """Whether another living process answers for an owner's files.

    The lock says so, but is only asked when it seems to be the case: whoever adopts an orphan meanwhile finds it taken.
    """
    pid = spool_directory.said_by(project, owner).get("pid")
    if not isinstance(pid, int) or pid == os.getpid() or not _lives(pid):
        return False
    with held(project, owner) as ownership:
        return ownership is None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def retry(project: Path) -> int:
    """Let what is in quarantine be sent again, by whoever delivers next; how many rows that is. Raises SpoolError."""
    quarantine = Quarantine(project)
    rows = quarantine.rows()
    if not rows:
        return 0
    try:
        ownership = Ownership.new(project)
        file = SpoolFile.create(ownership.path(1), "NORMAL", 2**62)
        for row in rows:
            file.append(row.stored_ms, row.body)
        file.sync()
        quarantine.remove(rows[-1].id)  # now they are in both, and at worst are sent twice
        file.release()
        ownership.give_up(delete=False)
    except (OSError, DamagedFileError) as error:
        raise SpoolError(f"{project}: {error}") from error
    return len(rows)


def purge(project: Path) -> int:
    """Delete all that no living process has, what was refused or set aside too; how many files. Raises SpoolError."""
    deleted = 0
    try:
        for owner in spool_directory.owners(project):
            with held(project, owner) as ownership:
                if ownership is not None:
                    deleted += _delete(project, f"{owner}-*")
                    (project / f"{owner}.lock").unlink(missing_ok=True)
        deleted += _delete(project, "*.damaged-*") + _delete(project, "quarantine.db*")
        if not any(project.iterdir()):
            project.rmdir()
    except OSError as error:
        raise SpoolError(f"{project} cannot be purged: {error}") from error
    return deleted


def _delete(project: Path, pattern: str) -> int:
    paths = list(project.glob(pattern))
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)


@contextmanager
def held(project: Path, owner: str) -> Iterator[Ownership | None]:
    """The lock on an orphan's files meanwhile; None when their owner lives."""
    ownership = Ownership.take(project, owner)
    try:
        yield ownership
    finally:
        if ownership is not None:
            ownership.give_up(delete=False)
