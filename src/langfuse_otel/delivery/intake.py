"""What delivery asks of the place where spans wait: in memory (``memory_intake``) or on disk (``spool_intake``)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel import log
from langfuse_otel.delivery.giving_way import giving_way
from langfuse_otel.delivery.status import Figures
from langfuse_otel.observation import Observation
from langfuse_otel.tally import Cause, Tally


class Entry(NamedTuple):
    """An observation to deliver; ``key`` is where it stands on disk, None when it is in memory only."""

    observation: Observation
    key: Hashable | None = None


@dataclass(slots=True, eq=False)
class Load:
    """What was taken at a time: one worker sends it, and settles all of it before it takes more.

    Attributes:
        first: Position of its first span among all that were put.
        entries: To be sent; fewer than were taken where some could not be read.
    """

    first: int
    entries: Sequence[Entry] = ()


class Observe(Protocol):
    """What spans mean. Handed in by whoever composes."""

    def read(self, span: ReadableSpan) -> Observation:
        """One span, cleared of what must not leave the process. May raise anything on one that it cannot read."""
        ...

    def tell_once(self, observations: Iterable[Observation]) -> list[Observation]:
        """The same observations in the same order, with each call billed by one of them."""
        ...


class Intake(Protocol):
    """Takes ended spans in and hands loads of them out. Called by any thread; ``put`` also by signal handlers."""

    def put(self, span: ReadableSpan) -> Cause:
        """Take a span in charge, or say why not."""
        ...

    def take(self, max_spans: int, max_bytes: int) -> Load | None:
        """The next load; None when nothing waits."""
        ...

    def acknowledge(self, keys: Sequence[Hashable]) -> None:
        """The server has these."""
        ...

    def refuse(self, key: Hashable, reason: str) -> None:
        """The server will never take this one."""
        ...

    def release(self, load: Load) -> None:
        """Every entry of the load is settled."""
        ...

    def mark(self) -> tuple[int, ...]:
        """The positions after the last span put so far, one for each place where spans wait."""
        ...

    def has_settled(self, mark: tuple[int, ...]) -> bool:
        """Whether every span before a mark is settled."""
        ...

    def holds(self, spans: int, size_bytes: int) -> bool:
        """Whether so many spans wait, or so many bytes."""
        ...

    @property
    def upkeep_s(self) -> float:
        """How often ``maintain`` is to be called, seconds."""
        ...

    def maintain(self) -> None:
        """Whatever has to be done now and then, off the application's threads."""
        ...

    def pressure_changes(self) -> Sequence[tuple[bool, float]]:
        """Whether pressure began (True) or ended since the last call, in order, with the utilisation then."""
        ...

    def figures(self) -> Figures:
        """How much it holds."""
        ...

    def close(self) -> None:
        """Accept nothing from now on; what waits can still be taken."""
        ...

    def abandon(self) -> int:
        """Forget what waits in memory and say how many spans that was; what is on disk stays there."""
        ...

    def reset(self) -> None:
        """Empty, with locks of its own: what a forked child starts from."""
        ...

    @property
    def is_durable(self) -> bool:
        """Whether what waits outlives the process."""
        ...


class Progress:
    """Which of the spans that passed are settled, when loads of them end in any order."""

    def __init__(self) -> None:
        self._loads: set[Load] = set()

    def begin(self, first: int) -> Load:
        """A load that begins at a position. To be called before its spans count as taken."""
        load = Load(first)
        self._loads.add(load)
        return load

    def end(self, load: Load) -> None:
        """A load is settled."""
        self._loads.discard(load)

    def settled(self, taken: int) -> int:
        """All spans before this position are settled, when so many were taken."""
        return min([load.first for load in tuple(self._loads)], default=taken)


def read_each(
    spans: Iterable[ReadableSpan], read: Callable[[ReadableSpan], Observation], tally: Tally
) -> list[Observation]:
    """Read spans. One that cannot be is counted as malformed and left out: it must not keep the others from leaving."""
    observations: list[Observation] = []
    for span in giving_way(spans):
        try:
            observations.append(read(span))
        except Exception as error:
            tally.count(Cause.MALFORMED)
            say_unreadable(error)
    return observations


def say_unreadable(error: Exception) -> None:
    """Log that a span cannot be sent."""
    message = "a span could not be read or encoded and is lost: %s: %s"
    log.limited(logging.WARNING, "delivery.malformed", message, type(error).__name__, error)
