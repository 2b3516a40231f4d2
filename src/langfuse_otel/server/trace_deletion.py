"""Deleting traces, with everything that belongs to them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable


def delete_traces(connection: sqlite3.Connection, trace_ids: Iterable[str]) -> None:
    """Delete traces, their observations, the scores of both, and media that belong to no other trace.

    Traces that do not exist are no error.
    """
    keys = [(trace_id,) for trace_id in trace_ids]
    connection.executemany("DELETE FROM observations WHERE trace_id = ?", keys)
    connection.executemany("DELETE FROM scores WHERE trace_id = ?", keys)
    connection.executemany("DELETE FROM traces WHERE id = ?", keys)
    connection.executemany("DELETE FROM media_places WHERE trace_id = ?", keys)
    connection.execute("DELETE FROM media WHERE id NOT IN (SELECT media_id FROM media_places)")
