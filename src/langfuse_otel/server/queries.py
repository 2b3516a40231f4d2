"""Reads: records out of the store, newest first. What may be asked for is here; how it is shown is the callers'."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from langfuse_otel.server.records import Observation, Score, Session, Trace
from langfuse_otel.server.store import from_row


@dataclass(frozen=True, slots=True)
class Where:
    """Conditions that must all hold; ``clause`` has a mark for each of ``values``."""

    clauses: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, clause: str, *values: Any) -> None:
        """One more condition."""
        self.clauses.append(clause)
        self.values.extend(values)

    def equal(self, column: str, value: Any) -> None:
        """``column`` has this value; None asks for nothing."""
        if value is not None:
            self.add(f"{column} = ?", value)

    def any_of(self, column: str, values: Sequence[Any]) -> None:
        """``column`` has one of these values; none asks for nothing."""
        if values:
            self.add(f"{column} IN ({', '.join('?' * len(values))})", *values)

    def __str__(self) -> str:
        return f"WHERE {' AND '.join(self.clauses)}" if self.clauses else ""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; pages count from 1."""

    number: int = 1
    size: int = 50

    @property
    def offset(self) -> int:
        """Records before it."""
        return (self.number - 1) * self.size


def traces(
    connection: sqlite3.Connection, where: Where, page: Page, order: str = "timestamp_ms DESC, id"
) -> tuple[list[Trace], int]:
    """A page of traces, and how many there are in all. ``order`` is SQL, never a user's text."""
    (total,) = connection.execute(f"SELECT count(*) FROM full_traces {where}", where.values).fetchone()
    rows = connection.execute(
        f"SELECT * FROM full_traces {where} ORDER BY {order} LIMIT ? OFFSET ?", (*where.values, page.size, page.offset)
    )
    return [from_row(row, Trace) for row in rows], total


def trace(connection: sqlite3.Connection, trace_id: str) -> Trace | None:
    """One trace; None when there is none."""
    row = connection.execute("SELECT * FROM full_traces WHERE id = ?", (trace_id,)).fetchone()
    return None if row is None else from_row(row, Trace)


def observations(
    connection: sqlite3.Connection, where: Where, limit: int, offset: int = 0
) -> tuple[list[Observation], int]:
    """Some observations, newest first, and how many there are in all."""
    (total,) = connection.execute(f"SELECT count(*) FROM full_observations {where}", where.values).fetchone()
    rows = connection.execute(
        f"SELECT * FROM full_observations {where} ORDER BY start_ms DESC, trace_id DESC, id DESC LIMIT ? OFFSET ?",
        (*where.values, limit, offset),
    )
    return [from_row(row, Observation) for row in rows], total


def observations_after(
    connection: sqlite3.Connection, where: Where, after: tuple[int, str, str] | None, limit: int
) -> list[Observation]:
    """Some observations, newest first: those past the one with this start, trace id and id.

    Such a place stays the same while new observations arrive, where an offset would move.
    """
    here = Where([*where.clauses], [*where.values])
    if after is not None:
        here.add("(start_ms, trace_id, id) < (?, ?, ?)", *after)
    rows = connection.execute(
        f"SELECT * FROM full_observations {here} ORDER BY start_ms DESC, trace_id DESC, id DESC LIMIT ?",
        (*here.values, limit),
    )
    return [from_row(row, Observation) for row in rows]


def observation(connection: sqlite3.Connection, observation_id: str) -> Observation | None:
    """The newest observation with an id, which is unique within a trace only; None when there is none."""
    row = connection.execute(
        "SELECT * FROM full_observations WHERE id = ? ORDER BY start_ms DESC, trace_id LIMIT 1", (observation_id,)
    ).fetchone()
    return None if row is None else from_row(row, Observation)


def observations_of(connection: sqlite3.Connection, trace_id: str) -> list[Observation]:
    """All observations of a trace, oldest first."""
    rows = connection.execute(
        "SELECT * FROM full_observations WHERE trace_id = ? ORDER BY start_ms, coalesce(end_ms, start_ms) DESC, id",
        (trace_id,),
    )
    return [from_row(row, Observation) for row in rows]


def scores_of(connection: sqlite3.Connection, trace_id: str) -> list[Score]:
    """All scores of a trace and its observations."""
    rows = connection.execute("SELECT * FROM scores WHERE trace_id = ? ORDER BY timestamp_ms, id", (trace_id,))
    return [from_row(row, Score) for row in rows]


def scores_after(
    connection: sqlite3.Connection, where: Where, after: tuple[int, str] | None, limit: int
) -> list[Score]:
    """Some scores, newest first: those past the one with this timestamp and id."""
    here = Where([*where.clauses], [*where.values])
    if after is not None:
        here.add("(timestamp_ms, id) < (?, ?)", *after)
    rows = connection.execute(
        f"SELECT * FROM scores {here} ORDER BY timestamp_ms DESC, id DESC LIMIT ?", (*here.values, limit)
    )
    return [from_row(row, Score) for row in rows]


def ids_by_trace(
    connection: sqlite3.Connection, table: Literal["observations", "scores"], trace_ids: Sequence[str]
) -> dict[str, list[str]]:
    """The ids of the observations or scores of some traces."""
    where = Where()
    where.any_of("trace_id", trace_ids)
    found: dict[str, list[str]] = {trace_id: [] for trace_id in trace_ids}
    if found:
        for trace_id, record_id in connection.execute(
            f"SELECT trace_id, id FROM {table} {where} ORDER BY id", where.values
        ):
            found[trace_id].append(record_id)
    return found


def prompt_ids(connection: sqlite3.Connection, observations: Iterable[Observation]) -> dict[tuple[str, int], str]:
    """The ids of the versions of prompts that observations name, as far as they exist."""
    named = {(one.prompt_name, one.prompt_version) for one in observations if one.prompt_name and one.prompt_version}
    found = {}
    for name, version in named:
        row = connection.execute("SELECT id FROM prompts WHERE name = ? AND version = ?", (name, version)).fetchone()
        if row is not None:
            found[name, version] = row["id"]
    return found


_SESSIONS = """
SELECT session_id AS id, min(timestamp_ms) AS created_ms, max(end_ms) AS updated_ms, max(environment) AS environment,
  count(*) AS traces, json_group_array(DISTINCT user_id) FILTER (WHERE user_id IS NOT NULL) AS users,
  sum(total_cost) AS total_cost
FROM full_traces WHERE session_id IS NOT NULL GROUP BY session_id
"""


def sessions(connection: sqlite3.Connection, page: Page, where: Where | None = None) -> tuple[list[Session], int]:
    """A page of sessions, the one with the newest trace first, and how many there are in all."""
    where = where or Where()
    (total,) = connection.execute(f"SELECT count(*) FROM ({_SESSIONS}) {where}", where.values).fetchone()
    rows = connection.execute(
        f"SELECT * FROM ({_SESSIONS}) {where} ORDER BY updated_ms DESC, id LIMIT ? OFFSET ?",
        (*where.values, page.size, page.offset),
    )
    return [from_row(row, Session) for row in rows], total


def session(connection: sqlite3.Connection, session_id: str) -> Session | None:
    """One session; None when no trace has this session id."""
    row = connection.execute(f"SELECT * FROM ({_SESSIONS}) WHERE id = ?", (session_id,)).fetchone()
    return None if row is None else from_row(row, Session)


def links(connection: sqlite3.Connection, prompt: str, version: int) -> Iterator[Observation]:
    """The newest observations that used a version of a prompt, at most 50."""
    rows = connection.execute(
        "SELECT * FROM full_observations WHERE prompt_name = ? AND prompt_version = ? ORDER BY start_ms DESC LIMIT 50",
        (prompt, version),
    )
    return (from_row(row, Observation) for row in rows)
