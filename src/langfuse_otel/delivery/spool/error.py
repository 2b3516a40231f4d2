"""What can go wrong with the spool, seen by whoever uses it."""

from __future__ import annotations

import sqlite3

from langfuse_otel.errors import LangfuseError


class SpoolError(LangfuseError):
    """The disk fails: full, read-only, over its quota, broken, or no file descriptor is left. It may recover."""

    code = "spool"
    retryable = True


class UnsafeSpoolError(SpoolError):
    """The spool cannot be used where it is told to be: others could read or replace it, or the system has no locks."""

    code = "spool_unsafe"
    retryable = False


class SpoolFullError(LangfuseError):
    """The spool holds as many bytes as it may, and those that wait may not give way."""

    code = "spool_full"
    retryable = True


class DamagedFileError(Exception):
    """A file is not what was written to it. Never leaves the spool."""


# SQLite's words for a fault of the disk and not of the file (its error codes are there from Python 3.11 only).
_DISK_FAULTS = (
    "disk is full",
    "disk I/O error",
    "readonly database",
    "unable to open database file",
    "database is locked",
    "out of memory",
)


def translated(error: sqlite3.Error | OSError, path: object) -> SpoolError | DamagedFileError:
    """What an error of SQLite or of the system says about the file: the disk fails, or it is damaged."""
    text = str(error)
    if isinstance(error, OSError) or any(fault in text for fault in _DISK_FAULTS):
        return SpoolError(f"{path}: {text}")
    return DamagedFileError(f"{path}: {text}")
