"""Filters of the list of traces: from the query string to conditions, and to chips that take them away again."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from langfuse_otel.server.queries import Where

_COLUMNS = {"userId": "user_id", "sessionId": "session_id", "name": "name", "environment": "environment"}
LABELS = {"userId": "user", "sessionId": "session", "name": "name", "environment": "environment", "tags": "tag"}
"""The filters of the list of traces, by parameter, as a reader calls them."""


@dataclass(frozen=True, slots=True)
class Filter:
    """An active filter; ``without`` is the query without it."""

    parameter: str
    label: str
    value: str
    without: list[tuple[str, str]]


def conditions(query: QueryParams) -> Where:
    """The filters of the list of traces; ``tags`` may be there several times, all must be on the trace."""
    where = Where()
    for parameter, column in _COLUMNS.items():
        where.equal(column, query.get(parameter) or None)
    for tag in filter(None, query.getlist("tags")):
        where.add("EXISTS (SELECT 1 FROM json_each(tags) AS tag WHERE tag.value = ?)", tag)
    search = query.get("search")
    if search:
        where.add("(instr(lower(coalesce(name, '')), lower(?)) OR id = ?)", search, search)
    return where


def filters(query: QueryParams) -> list[Filter]:
    """The active filters, each with what the query would be without it; the page starts over."""
    kept = [(name, value) for name, value in query.multi_items() if name in (*LABELS, "search") and value]
    return [
        Filter(name, LABELS[name], value, kept[:number] + kept[number + 1 :])
        for number, (name, value) in enumerate(kept)
        if name in LABELS
    ]


def environments(connection: sqlite3.Connection) -> list[str]:
    """All that there are."""
    rows = connection.execute(
        "SELECT environment FROM observations UNION SELECT environment FROM traces ORDER BY environment"
    )
    return [name for (name,) in rows]
