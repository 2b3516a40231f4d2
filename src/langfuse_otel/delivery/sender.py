"""Takes a batch to its end: delivered, or each of its spans refused for a reason. The only place that retries."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence

from langfuse_otel import log
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.delivery.batch import Batch, Item, halves, pack
from langfuse_otel.delivery.gate import Deadline, Gate, Pass, Wait
from langfuse_otel.delivery.giving_way import giving_way
from langfuse_otel.delivery.intake import Entry, Intake, say_unreadable
from langfuse_otel.delivery.listeners import Listeners
from langfuse_otel.errors import LangfuseError
from langfuse_otel.settings import Settings
from langfuse_otel.tally import Cause, Tally
from langfuse_otel.transport.base import Transport
from langfuse_otel.transport.outcome import (
    Accepted,
    Failed,
    Held,
    Outcome,
    Partial,
    Refused,
    RetryAfter,
    Split,
    WireChanged,
)
from langfuse_otel.wire.encoded import Encoded


class Sender:
    """Sends what is loaded, in order, one request at a time, for as long as it takes.

    What it has to do next outlives a call of ``run``: whoever runs it later goes on where the last one stopped. ``run``
    and ``load`` belong to one thread at a time; all else to any. Several senders may share intake, gate and transport.

    Args:
        transport: Encodes and sends.
        intake: Is told the end of each entry that has a key there.
        gate: Says when the next request may go.
        tally: Where every span's end is counted.
        settings: Limits of batches and requests.
        listeners: Told of every failure.
        wait: Sleeps for so many seconds or until there is news.
        clock: Time.
    """

    def __init__(
        self,
        transport: Transport,
        intake: Intake,
        gate: Gate,
        tally: Tally,
        settings: Settings,
        listeners: Listeners,
        *,
        wait: Wait,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._transport = transport
        self._intake = intake
        self._gate = gate
        self._tally = tally
        self._settings = settings
        self._listeners = listeners
        self._wait = wait
        self._clock = clock
        # Held for the moment in which an answer is booked, so that ``abandon`` counts each span once. Re-entrant, as a
        # signal handler may shut down on the very thread that books.
        self._booking = threading.RLock()
        self._work: tuple[Batch, ...] = ()
        self._abandoned = False
        self._vetted = False  # whether an empty request has passed since the last load

    @property
    def pending_spans(self) -> int:
        """Spans loaded and not settled."""
        return sum(len(batch) for batch in self._work)

    def load(self, entries: Sequence[Entry]) -> None:
        """Encode entries and queue them. One that cannot be is counted as malformed and left out."""
        items = self._encoded(entries)
        with self._booking:
            if self._abandoned:
                self._lose(items)
                return
            self._vetted = False
            self._work += tuple(self._packed(items))

    def run(self, deadline: Deadline) -> bool:
        """Send until nothing is left (True), or the deadline passes or is nearer than the next attempt (False)."""
        while self._work:
            given = self._gate.enter(deadline, self._wait)
            work = self._work
            if given is None or not work:  # abandoned meanwhile
                return False
            try:
                self._request(given, work[0], min(self._settings.timeout_s, deadline() - self._clock.monotonic()))
            except Exception as error:  # a bug of ours: the gate must not wait for the pass for ever
                self._gate.failed(given, RetryAfter(f"{type(error).__name__}: {error}"))
                raise
            if self._abandoned:
                return False
        return True

    def abandon(self) -> int:
        """Forget what is loaded and say how many spans are lost by that. A request under way may still deliver its own.

        What stands on disk is not lost.
        """
        with self._booking:
            work, self._work, self._abandoned = self._work, (), True
        return sum(item.key is None for batch in work for item in batch)

    def _lose(self, items: Iterable[Item]) -> None:
        self._tally.count(Cause.SHUTDOWN, sum(item.key is None for item in items))

    def _encoded(self, entries: Iterable[Entry]) -> list[Item]:
        items: list[Item] = []
        for observation, key in giving_way(entries):
            try:
                items.append(Item(observation, self._transport.encode(observation), key))
            except Exception as error:
                self._tally.count(Cause.MALFORMED)
                say_unreadable(error)
                if key is not None:
                    self._intake.refuse(key, f"{type(error).__name__}: {error}")
        return items

    def _request(self, given: Pass, batch: Batch, timeout_s: float) -> None:
        began = self._clock.monotonic()
        outcome = self._send(batch, max(timeout_s, 0.001))
        self._gate.request_s = self._clock.monotonic() - began
        with self._booking:
            if not self._abandoned:
                self._book(given, batch, self._work[1:], outcome)
        if isinstance(outcome, Failed):
            is_retryable = isinstance(outcome, (RetryAfter, Held))
            self._listeners.error(outcome.error or LangfuseError(outcome.reason, retryable=is_retryable))

    def _packed(self, items: Sequence[Item]) -> list[Batch]:
        return pack(items, min(self._settings.max_batch_bytes, self._transport.max_batch_bytes))

    def _send(self, batch: Batch, timeout_s: float) -> Outcome:
        until = self._clock.monotonic() + timeout_s
        try:
            outcome = self._exchange([item.encoded for item in batch], timeout_s)
            if isinstance(outcome, Refused) and not self._vetted:
                outcome = self._vet(outcome, until - self._clock.monotonic())
        except Exception as error:  # out of memory, or a bug of ours: halves find the span that it is about
            return Refused(f"{type(error).__name__}: {error}")
        return outcome

    def _vet(self, refused: Refused, timeout_s: float) -> Outcome:
        """Blame spans for a 400 only if an empty request passes; else the fault is not theirs, and all wait."""
        outcome = self._exchange((), timeout_s)
        if isinstance(outcome, Refused):
            return Held(f"{refused.reason}; so is an empty request: check LANGFUSE_BASE_URL")
        if isinstance(outcome, (Accepted, Partial, Split)):
            self._vetted = True
            return refused
        return outcome

    def _exchange(self, encoded: Sequence[Encoded], timeout_s: float) -> Outcome:
        """One request and its answer, counted."""
        began = self._clock.monotonic()
        outcome = self._transport.send(encoded, timeout_s)
        size_bytes = sum(len(each.body) for each in encoded)
        self._gate.traffic.count(outcome, size_bytes, self._clock.monotonic() - began)
        return outcome

    def _book(self, given: Pass, batch: Batch, rest: tuple[Batch, ...], outcome: Outcome) -> None:
        """What an outcome does to the batch, to the counters and to the time of the next attempt."""
        if isinstance(outcome, RetryAfter):
            self._retry(given, outcome)
            return
        if isinstance(outcome, Held):
            self._gate.held(given, outcome)
            return
        self._gate.succeeded(given)  # it answers, whatever it says of the spans
        if isinstance(outcome, WireChanged):
            pending = [Entry(item.observation, item.key) for batch in self._work for item in batch]
            self._work = tuple(self._packed(self._encoded(pending)))
        elif isinstance(outcome, (Split, Refused)):
            self._gate.last_error = outcome.reason
            if len(batch) > 1:
                self._tally.count(Cause.SPLIT)
                self._work = (*halves(batch), *rest)
            elif isinstance(outcome, Split) and (smaller := self._cut(batch[0])) is not None:
                self._work = ((smaller,), *rest)
            else:
                self._refuse(outcome.reason, batch)
                self._work = rest
        elif isinstance(outcome, Partial):
            self._book_partial(given, batch, rest, outcome)
        else:
            self._deliver(batch)
            self._work = rest

    def _book_partial(self, given: Pass, batch: Batch, rest: tuple[Batch, ...], outcome: Partial) -> None:
        for position, reason in outcome.refused.items():
            self._refuse(reason, (batch[position],))
        named = {*outcome.refused, *outcome.retry}
        delivered = [item for position, item in enumerate(batch) if position not in named]
        if outcome.refused_unnamed:  # which ones nobody knows; OTLP forbids to send any of them again
            self._say_refused(outcome.reason, outcome.refused_unnamed, f"{outcome.refused_unnamed} of {len(batch)}")
        self._deliver(delivered, less=outcome.refused_unnamed)
        again = tuple(batch[position] for position in outcome.retry)
        self._work = (again, *rest) if again else rest
        if again:
            self._retry(given, RetryAfter(f"{len(again)} of {len(batch)} spans failed for a while"))

    def _cut(self, item: Item) -> Item | None:
        """The same in half the bytes, as its longest values are cut; None when it has become too small for that."""
        size = len(item.encoded.body)
        encoded = self._transport.encode(item.observation, size // 2)
        if len(encoded.body) >= size:
            return None
        if not item.is_cut:
            self._tally.count(Cause.TRUNCATED)
        return Item(item.observation, encoded, item.key, is_cut=True)

    def _deliver(self, items: Sequence[Item], less: int = 0) -> None:
        self._tally.count(Cause.DELIVERED, len(items) - less)
        self._intake.acknowledge([item.key for item in items if item.key is not None])

    def _refuse(self, reason: str, items: Sequence[Item]) -> None:
        for item in items:
            self._say_refused(reason, 1, repr(item.observation.name))
            if item.key is not None:
                self._intake.refuse(item.key, reason)

    def _say_refused(self, reason: str, spans: int, which: str) -> None:
        self._gate.last_error = reason
        self._tally.count(Cause.REFUSED, spans)
        message = "a span was refused and is not sent again (%s): %s"
        log.limited(logging.WARNING, "delivery.refused", message, which, reason)

    def _retry(self, given: Pass, outcome: RetryAfter) -> None:
        self._tally.count(Cause.RETRIED)
        self._gate.failed(given, outcome)
