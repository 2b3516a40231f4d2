"""The rows of a damaged file that are whole go on in a new one; the file itself is set aside, never deleted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from langfuse_otel import log
from langfuse_otel.delivery.spool.database import PAGE_BYTES
from langfuse_otel.delivery.spool.directory import create_file, wal_of
from langfuse_otel.delivery.spool.error import DamagedFileError, SpoolError
from langfuse_otel.delivery.spool.file import SpoolFile
from langfuse_otel.delivery.spool.ranges import Ranges
from langfuse_otel.delivery.spool.salvage import salvage

_ATTEMPTS = 3  # a file that ends each process that reads it, as there is no memory for it, ends no more than these


def rescue(file: SpoolFile, create: Callable[[], SpoolFile]) -> tuple[SpoolFile | None, int]:
    """Copy what is whole in a file and set it aside, in this order: a process that is killed here begins anew.

    What was copied before is sent twice then.

    Args:
        file: Damaged, or not one of ours.
        create: Makes the file that takes over.

    Returns:
        The new file, None when there is nothing to put into it; and how many rows are known to be lost.
    """
    copy = None
    lost = file.unacknowledged_rows
    try:
        if _begins(file.path):
            rows, saved = salvage(file.path, wal_of(file.path), PAGE_BYTES)
            acknowledged = Ranges((*saved, *file.acknowledged))
            waiting = Ranges((row.id, row.id) for row in rows)
            for first, last in acknowledged:
                waiting.remove(first, last)
            keep = [row for first, last in waiting for row in rows if first <= row.id <= last]
            if keep:
                copy = create()
                for row in keep:
                    copy.append(row.stored_ms, row.body)
                copy.shift_ms = file.shift_ms
                copy.sync()
            newest = max(file.last_id, rows[-1].id if rows else 0)
            lost = max(0, newest - len(acknowledged) - len(keep))
    except (SpoolError, DamagedFileError, OSError) as error:
        message = "what is in a damaged file of the spool could not be read or copied: %s"
        log.limited(logging.ERROR, "spool.rescue", message, error)
        if copy is not None:
            copy.remove()
        copy = None
    try:
        aside = file.set_aside()
        log.limited(logging.ERROR, "spool.damaged", "a file of the spool is damaged and was set aside: %s", aside)
        for note in _notes(file.path):
            note.unlink(missing_ok=True)
    except (SpoolError, OSError) as error:
        log.limited(logging.ERROR, "spool.damaged", "a damaged file of the spool could not be set aside: %s", error)
    return copy, lost


def _begins(path: Path) -> bool:
    """Note beside the file that it is read, unless that was begun too often and never came to an end."""
    for note in _notes(path):
        with suppress(FileExistsError):
            create_file(note)
            return True
    log.limited(logging.ERROR, "spool.rescue", "a damaged file of the spool is not read again: %s", path)
    return False


def _notes(path: Path) -> list[Path]:
    return [path.with_name(f"{path.name}.rescue-{attempt}") for attempt in range(1, _ATTEMPTS + 1)]
