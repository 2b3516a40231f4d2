"""Observations as the rows of a tree, each with its place in the trace's time.

The tree is made of what is there: an observation whose parent is missing hangs from the top, and so does one of each
loop of parents. Depth is only a number here, so no nesting is too deep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from langfuse_otel.server.records import Observation

MAX_DRAWN_DEPTH = 16
"""Levels that are indented; deeper rows stay at this indent."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        depth: 0 at the top.
        guides: One a level to the left, from the outside: whether its line goes on below this row. The last one is
            this row's own. At most ``MAX_DRAWN_DEPTH``.
        offset: Where its time starts, in percent of the trace's; likewise ``width``, and ``first_token``, the part
            of its own time before the first token.
        note: Why it is at the top although it has a parent.
    """

    observation: Observation
    depth: int
    guides: tuple[bool, ...]
    has_children: bool
    offset: float
    width: float
    first_token: float | None
    note: str | None


def rows(observations: Sequence[Observation]) -> list[Row]:
    """The rows from top to bottom; siblings stay in the order given, and what has lost its parent comes last."""
    if not observations:
        return []
    parents, notes = _parents(observations)
    children: dict[str | None, list[Observation]] = {}
    for observation in observations:
        children.setdefault(parents[observation.id], []).append(observation)
    tops = sorted(children[None], key=lambda top: top.id in notes)  # real roots first
    first_ms = min(observation.start_ms for observation in observations)
    last_ms = max(_end_ms(observation) for observation in observations)
    found: list[Row] = []
    waiting: list[tuple[Observation, int, tuple[bool, ...]]] = [(top, 0, ()) for top in reversed(tops)]
    while waiting:
        observation, depth, guides = waiting.pop()
        below = children.get(observation.id, [])
        for child in reversed(below):
            goes_on = child is not below[-1]
            waiting.append((child, depth + 1, (*guides, goes_on) if depth < MAX_DRAWN_DEPTH else guides))
        offset, width = _place(observation.start_ms, _end_ms(observation), first_ms, last_ms)
        found.append(
            Row(
                observation=observation,
                depth=depth,
                guides=guides,
                has_children=bool(below),
                offset=offset,
                width=width,
                first_token=_first_token(observation),
                note=notes.get(observation.id),
            )
        )
    return found


def _parents(observations: Sequence[Observation]) -> tuple[dict[str, str | None], dict[str, str]]:
    """Each one's parent, None at the top, without loops; and why some are at the top."""
    order = {observation.id: number for number, observation in enumerate(observations)}
    parents: dict[str, str | None] = {}
    notes: dict[str, str] = {}
    for observation in observations:
        parent = observation.parent_id
        parents[observation.id] = parent if parent in order else None
        if parent is not None and parent not in order and not observation.is_app_root:
            notes[observation.id] = f"Its parent {parent} is not in this trace"
    checked: set[str] = set()
    for start in parents:
        path: dict[str, None] = {}
        current: str | None = start
        while current is not None and current not in checked and current not in path:
            path[current] = None
            current = parents[current]
        if current is not None and current in path:
            members = list(path)
            loop = members[members.index(current) :]
            top = min(loop, key=order.__getitem__)
            parents[top] = None
            notes[top] = "Its parents go round in a loop"
        checked.update(path)
    return parents, notes


def _end_ms(observation: Observation) -> int:
    return max(observation.start_ms, observation.end_ms or observation.start_ms)


def _place(start_ms: int, end_ms: int, first_ms: int, last_ms: int) -> tuple[float, float]:
    """Offset and width in percent; what is too short to be seen gets half a percent."""
    whole_ms = last_ms - first_ms
    if whole_ms <= 0:
        return 0.0, 100.0
    width = max(100 * (end_ms - start_ms) / whole_ms, 0.5)
    return round(min(100 * (start_ms - first_ms) / whole_ms, 100 - width), 3), round(width, 3)


def _first_token(observation: Observation) -> float | None:
    first_ms, length_ms = observation.completion_start_ms, _end_ms(observation) - observation.start_ms
    if first_ms is None or length_ms <= 0:
        return None
    return round(min(max(100 * (first_ms - observation.start_ms) / length_ms, 0), 100), 3)
