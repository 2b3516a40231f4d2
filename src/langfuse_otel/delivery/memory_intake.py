"""Best effort: spans wait in memory as they ended, and are read when a worker takes them."""

from __future__ import annotations

import math
import threading
from collections.abc import Hashable, Iterator, Mapping, Sequence

import msgspec
from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel import fork
from langfuse_otel.delivery.buffer import Buffer
from langfuse_otel.delivery.intake import Entry, Load, Observe, Progress, read_each
from langfuse_otel.delivery.status import Figures
from langfuse_otel.observation import Observation
from langfuse_otel.tally import Tally

SAMPLE_RATE = "langfuse_otel.sample_rate"
"""Metadata of a span that was kept while only a share of the traces was: that share."""


class MemoryIntake:
    """An intake (``intake.Intake``) over a buffer.

    Args:
        buffer: Where they wait.
        observe: What they mean; asked by the worker.
        tally: Where those that cannot be read are counted.
    """

    is_durable = False

    def __init__(self, buffer: Buffer, observe: Observe, tally: Tally) -> None:
        self.put = buffer.put  # not one call more on the application's thread
        self.holds = buffer.holds
        self.close = buffer.close
        self._buffer = buffer
        self._observe = observe
        self._tally = tally
        self._start_over()

    def _start_over(self) -> None:
        self._progress = Progress()
        self._bytes_of: dict[Load, int] = {}  # under way
        self._reading: dict[Load, int] = {}  # spans of those that are not entries yet
        # Re-entrant, as a signal handler that flushes may stand in for the very thread that takes.
        self._taking = threading.RLock()

    def take(self, max_spans: int, max_bytes: int) -> Load | None:
        """The oldest spans, read."""
        with self._taking:
            load = self._progress.begin(self._buffer.taken_spans)
            spans, size_bytes = self._buffer.check_out(max_spans, max_bytes)
            if not spans:
                self._progress.end(load)
                return None
            self._bytes_of[load] = size_bytes
            self._reading[load] = len(spans)
            shares = self._buffer.shares_of(spans)
        observations = read_each(_forgotten_one_by_one(spans), self._observe.read, self._tally)
        if shares:
            observations = [_with_share(observation, shares) for observation in observations]
        with self._taking:
            if self._reading.pop(load, None) is not None:  # else they were counted as lost meanwhile
                load.entries = [Entry(told) for told in self._observe.tell_once(observations)]
        return load

    def acknowledge(self, keys: Sequence[Hashable]) -> None:
        """Nothing here has a key."""

    def refuse(self, key: Hashable, reason: str) -> None:
        """Nothing here has a key."""

    def release(self, load: Load) -> None:
        """Every entry of the load is settled."""
        with self._taking:
            self._buffer.settle(self._bytes_of.pop(load, 0))
        self._progress.end(load)

    def mark(self) -> tuple[int, ...]:
        """How many spans were put so far."""
        return (self._buffer.put_spans,)

    def has_settled(self, mark: tuple[int, ...]) -> bool:
        """Whether every span before a mark is settled."""
        return self._progress.settled(self._buffer.taken_spans) >= mark[0]

    upkeep_s = math.inf

    def maintain(self) -> None:
        """Memory needs no upkeep."""

    def pressure_changes(self) -> Sequence[tuple[bool, float]]:
        """Of the buffer."""
        return self._buffer.pressure_changes()

    def figures(self) -> Figures:
        """Those of the buffer."""
        return Figures(
            pending_spans=max(0, self._buffer.put_spans - self._progress.settled(self._buffer.taken_spans)),
            max_spans=self._buffer.max_spans,
            pending_bytes=self._buffer.held_bytes,
            max_bytes=self._buffer.max_bytes,
            utilisation=self._buffer.utilisation,
            is_under_pressure=self._buffer.under_pressure,
            sample_rate=self._buffer.sample_rate,
            waiting_spans=self._buffer.waiting_spans,
        )

    def abandon(self) -> int:
        """Forget what waits, and what a function of the application's does not return from reading."""
        with self._taking:
            reading = sum(self._reading.values())
            self._reading.clear()
        return reading + self._buffer.clear()

    def hand_over(self) -> list[ReadableSpan]:
        """Give away what waits, which then was never put here."""
        with self._taking:
            spans = self._buffer.take(self._buffer.max_spans, 2 * self._buffer.max_bytes)
            self._buffer.reset()
        return spans

    def reset(self) -> None:
        """Empty, with locks of its own; what the parent left to this process stays."""
        if not fork.is_heir():
            self._buffer.reset()
        self._start_over()


def _forgotten_one_by_one(spans: list[ReadableSpan]) -> Iterator[ReadableSpan]:
    """The spans in their order, each gone once it is read: what reading makes takes its place in memory.

    The garbage collector counts what is made and not freed, and would otherwise set off in the middle of a load.
    """
    spans.reverse()
    while spans:
        yield spans.pop()


def _with_share(observation: Observation, shares: Mapping[str, float]) -> Observation:
    """The observation with the share of traces that was kept when it was, if that was not all."""
    share = shares.get(observation.span_id)
    if share is None:
        return observation
    return msgspec.structs.replace(observation, metadata={**observation.metadata, SAMPLE_RATE: share})
