"""A damaged file is set aside, never deleted, and the rows in it that are whole go on in a new one."""

from __future__ import annotations

import logging
from collections.abc import Callable

from langfuse_otel import log
from langfuse_otel.delivery.spool.database import PAGE_BYTES
from langfuse_otel.delivery.spool.directory import wal_of
from langfuse_otel.delivery.spool.error import DamagedFileError, SpoolError
from langfuse_otel.delivery.spool.file import SpoolFile
from langfuse_otel.delivery.spool.ranges import Ranges
from langfuse_otel.delivery.spool.salvage import salvage


def rescue(file: SpoolFile, create: Callable[[], SpoolFile]) -> tuple[SpoolFile | None, int]:
    """Set a file aside and copy what is whole in it.

    Args:
        file: Damaged, or not one of ours.
        create: Makes the file that takes over.

    Returns:
        The new file, None when there is nothing to put into it; and how many rows are known to be lost.
    """
    copy = None
    lost = file.unacknowledged_rows
    try:
        aside = file.set_aside()
        log.limited(logging.ERROR, "spool.damaged", "a file of the spool is damaged and was set aside: %s", aside)
        rows, saved = salvage(aside, wal_of(aside), PAGE_BYTES)
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
        return None, lost
    return copy, lost
