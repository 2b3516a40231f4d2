"""Traces as trees of text, from the rows of Langfuse's ``GET /api/public/v2/observations``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

_BOLD, _DIM, _RED, _CYAN, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[36m", "\x1b[0m"


def traces(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows by trace, traces and their rows oldest first."""
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["startTime"], row["id"])):
        grouped[row["traceId"]].append(row)
    return list(grouped.values())


def is_complete(rows: Sequence[Row]) -> bool:
    """Whether a trace has a root, all parents, and a generation with an answer, linked to a prompt."""
    ids = {row["id"] for row in rows}
    parents = [row["parentObservationId"] for row in rows]
    return (
        parents.count(None) == 1
        and ids.issuperset(filter(None, parents))
        and any(row["type"] == "GENERATION" and row["output"] and row["promptName"] for row in rows)
    )


def lines(rows: Sequence[Row], *, color: bool) -> list[str]:
    """One trace: a heading, then a line an observation with type, duration, tokens, cost and prompt."""
    paint = _painted if color else _plain
    children: dict[str | None, list[Row]] = defaultdict(list)
    for row in rows:
        children[row["parentObservationId"]].append(row)
    tree = list(_branches(children, None, ""))
    width = max(len(branch) + len(row["name"]) for branch, row in tree)
    return [paint(_heading(rows), _BOLD)] + [
        f"{paint(branch, _DIM)}{row['name']:<{width - len(branch)}}  {_facts(row, paint)}".rstrip()
        for branch, row in tree
    ]


def _branches(
    children: Mapping[str | None, Sequence[Row]], parent: str | None, indent: str
) -> Iterator[tuple[str, Row]]:
    """Each row with the lines that lead to it."""
    rows = children.get(parent, ())
    for row in rows:
        last = row is rows[-1]
        yield indent + ("└─ " if last else "├─ "), row
        yield from _branches(children, row["id"], indent + ("   " if last else "│  "))


def _heading(rows: Sequence[Row]) -> str:
    root = next(row for row in rows if row["parentObservationId"] is None)
    cost = sum(row["totalCost"] or 0 for row in rows)
    facts = [root["traceName"] or root["name"], f"user {root['userId']}", f"session {root['sessionId']}"]
    return " · ".join([*facts, _duration(root), *([_cost(cost)] if cost else [])])


def _facts(row: Row, paint: Any) -> str:
    facts = [paint(f"{row['type'].lower():<10}", _DIM), f"{_duration(row):>7}"]
    if row["timeToFirstToken"]:
        facts.append(f"first token {row['timeToFirstToken'] * 1000:.0f} ms")
    usage = row["usageDetails"] or {}
    if usage:
        facts.append(_tokens(usage))
    if row["totalCost"]:
        facts.append(_cost(row["totalCost"]))
    if row["promptName"]:
        facts.append(paint(f"prompt {row['promptName']} v{row['promptVersion']}", _CYAN))
    if row["level"] == "ERROR":
        facts.append(paint(f"ERROR {row['statusMessage'] or ''}"[:80].rstrip(), _RED))
    return "  ".join(facts)


def _tokens(usage: Mapping[str, int]) -> str:
    before, after = (sum(count for key, count in usage.items() if key.startswith(side)) for side in ("input", "output"))
    cached = usage.get("input_cached_tokens", 0)
    return f"{before} → {after} tokens" + (f" ({cached} cached)" if cached else "")


def _duration(row: Row) -> str:
    seconds = row["latency"] or 0.0
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _cost(dollars: float) -> str:
    return f"${dollars:.6f}"


def _painted(text: str, style: str) -> str:
    return f"{style}{text}{_RESET}"


def _plain(text: str, style: str) -> str:
    return text
