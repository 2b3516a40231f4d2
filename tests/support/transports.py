"""Transports without a network, for what happens before and after one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence

from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel.conventions.registry import read
from langfuse_otel.observation import Observation
from langfuse_otel.transport.outcome import Accepted, Outcome
from langfuse_otel.wire.encoded import Encoded


class PlainObserve:
    """What the exporter makes of spans, without its settings."""

    def read(self, span: ReadableSpan) -> Observation:
        return read(span)

    def tell_once(self, observations: Iterable[Observation]) -> list[Observation]:
        return list(observations)


observe = PlainObserve()


class ScriptedTransport:
    """Answers from a script, then with a rule; an item's body is its span's id.

    Args:
        script: One outcome, or exception to raise, for each of the first requests.
        rule: What to answer to the ids of a batch afterwards; everything is accepted by default.
    """

    max_batch_bytes = 1_000_000

    def __init__(
        self,
        script: Iterable[Outcome | Exception] = (),
        rule: Callable[[list[str]], Outcome] = lambda ids: Accepted(),
        name: str = "scripted",
    ) -> None:
        self.name = name
        self.script = list(script)
        self.rule = rule
        self.batches: list[list[str]] = []
        self.timeouts_s: list[float] = []
        self.accepted: set[str] = set()
        self.unreadable: set[str] = set()

    def encode(self, observation: Observation, max_bytes: int | None = None) -> Encoded:
        if observation.span_id in self.unreadable:
            raise ValueError("strange span")
        return Encoded(b"", observation.span_id.encode(), self.name)

    def send(self, batch: Sequence[Encoded], timeout_s: float) -> Outcome:
        ids = [item.body.decode() for item in batch]
        self.batches.append(ids)
        self.timeouts_s.append(timeout_s)
        outcome = self.script.pop(0) if self.script else self.rule(ids)
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, Accepted):
            self.accepted.update(ids)
        return outcome


class StuckTransport(ScriptedTransport):
    """Holds every request until ``release`` is set; ``entered`` says that one is there."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.release = threading.Event()

    def send(self, batch: Sequence[Encoded], timeout_s: float) -> Outcome:
        self.entered.set()
        self.release.wait(30)
        return super().send(batch, timeout_s)
