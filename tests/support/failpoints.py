"""Where the kernel strikes: places in the spool's code at which a process is made to die.

The product knows nothing of them. A test's child process calls ``arm``, which wraps a function, or SQLite's ``execute``
for statements that begin with some words, so that it ends the process by SIGKILL right before or after the real call.
"""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

_SPOOL = "langfuse_otel.delivery.spool."


@dataclass(frozen=True)
class Failpoint:
    """One place.

    Attributes:
        circumstance: What has to be the case for a process to come there; the test's business.
        step: ``module.function`` or ``module.Class.method`` of the spool, or ``sql: <first words of a statement>``.
        when: ``before`` or ``after`` the step.
        nth: At which call, counted from 1.
    """

    circumstance: str
    step: str
    when: str
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.circumstance}-{self.when}-{self.step}-{self.nth}".replace(" ", "_")


def _both(circumstance: str, *steps: str, nth: int = 1) -> list[Failpoint]:
    return [Failpoint(circumstance, step, when, nth) for step in steps for when in ("before", "after")]


FAILPOINTS = (
    # A span is put: its file is made, its row is committed.
    *_both("putting", "writer.SpoolFile.create", "directory.Ownership.take", "database.create_file"),
    *_both("putting", "sql: COMMIT"),  # of a new file's tables
    *_both("putting", "sql: INSERT INTO row", nth=1),
    *_both("putting", "sql: INSERT INTO row", nth=7),
    # What was sent is acknowledged.
    Failpoint("sending", "spool.Spool.acknowledge", "before"),
    *_both("sending", "sql: INSERT INTO acknowledged"),
    *_both("sending", "file.SpoolFile.sync"),
    # The files of a process that is gone.
    *_both("adopting", "orphans.Orphans.adopt", "directory.remove_leftovers", "file.SpoolFile.load"),
    Failpoint("adopting", "directory.Ownership.take", "after"),
    *_both("adopting", "sql: PRAGMA wal_checkpoint(PASSIVE)", "sql: PRAGMA wal_checkpoint(TRUNCATE)"),
    *_both("adopting", "database.DatabaseFile.release", "orphans.Orphans.remove"),
    *_both("adopting", "database.DatabaseFile.remove", "directory.Ownership.give_up"),
    Failpoint("adopting", "database.Path.unlink", "after"),  # the file is gone, its log is not
    # What stands for a vacuum: rows that were delivered are overwritten in a file that stays, which takes its log in.
    *_both("erasing", "file.SpoolFile.erase_acknowledged", "sql: DELETE FROM row"),
    # A damaged file: set aside, and the rows in it that are whole go on in another.
    *_both("damaged", "database.set_aside", "rescue.salvage"),
    *_both("damaged", "directory.Path.rename", nth=1),
    *_both("damaged", "directory.Path.rename", nth=2),
    *_both("damaged", "writer.SpoolFile.create"),
    *_both("damaged", "file.SpoolFile.append", nth=5),
    *_both("damaged", "file.SpoolFile.sync", "orphans.Orphans.remove"),
    # The same by ``langfuse-otel spool verify``, which leaves it as it is.
    *_both("verifying", "database.Path.rename", nth=1),
    *_both("verifying", "database.Path.rename", nth=2),
    # A span that the server refuses for good.
    *_both("refused", "quarantine.Quarantine.add", "sql: INSERT INTO quarantined"),
)


def arm(step: str, when: str, nth: int) -> None:
    """Let this process die there."""
    calls = itertools.count(1)

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def stand_in(*arguments: Any, **named: Any) -> Any:
            is_due = next(calls) == nth
            if is_due and when == "before":
                _die()
            result = call(*arguments, **named)
            if is_due:
                _die()
            return result

        return stand_in

    if step.startswith("sql: "):
        _wrap_sql(step.removeprefix("sql: "), dying)
        return
    module, *path = step.split(".")
    owner: Any = import_module(_SPOOL + module)
    for name in path[:-1]:
        owner = getattr(owner, name)
    call = vars(owner)[path[-1]] if isinstance(owner, type) else getattr(owner, path[-1])
    # A class method is wrapped inside, so that it still gets its class.
    setattr(owner, path[-1], classmethod(dying(call.__func__)) if isinstance(call, classmethod) else dying(call))


def _wrap_sql(words: str, dying: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    strike = dying(sqlite3.Connection.execute)

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
            if sql.startswith(words):
                cursor: sqlite3.Cursor = strike(self, sql, *arguments)
                return cursor
            return super().execute(sql, *arguments)

    connect = sqlite3.connect
    sqlite3.connect = lambda *arguments, **named: connect(*arguments, factory=Connection, **named)  # type: ignore


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
