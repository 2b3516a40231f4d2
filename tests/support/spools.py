"""Spools for tests, and what is in them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from langfuse_otel.delivery.spool.row import Row
from langfuse_otel.delivery.spool.spool import Spool

PROJECT = "https://langfuse.test pk-lf-1"
MIB = 1024 * 1024


def make_spool(directory: Path, lost: Counter[str] | None = None, project: str = PROJECT, **options: Any) -> Spool:
    """A spool with room for all, which counts in ``lost`` what it loses."""
    limits = {"max_bytes": 256 * MIB, "max_age_s": 86_400.0, "when_full": "refuse_newest", "fsync": "interval"}
    counted: Counter[str] = Counter() if lost is None else lost

    def count(cause: str, rows: int) -> None:
        counted[cause] += rows

    return Spool(directory / "spool", project, on_lost=count, **{**limits, **options})


def take_all(spool: Spool) -> list[Row]:
    """Everything that waits, and that can be adopted."""
    rows: list[Row] = []
    idle_rounds = 0
    while idle_rounds < 5:  # some orphans are adopted in a round, and those that others have are not
        spool._looked_around_at = float("-inf")  # it need not wait for its next second
        spool.maintain()
        more = spool.take(1_000, 64 * MIB)
        rows += more
        spool.acknowledge([row.key for row in more])
        idle_rounds = 0 if more else idle_rounds + 1
    return rows


def files(directory: Path, pattern: str = "*") -> list[str]:
    """Names of the files of all projects."""
    return sorted(path.name for path in (directory / "spool").glob(f"*/{pattern}"))
