"""Takes a batch to its end: delivered, or each of its spans refused for a reason. The only place that retries."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterable, Sequence

from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel import log
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.delivery.batch import Batch, Item, halves, pack
from langfuse_otel.delivery.status import State
from langfuse_otel.observation import Observation
from langfuse_otel.resilience.backoff import Backoff
from langfuse_otel.settings import Settings
from langfuse_otel.tally import Cause, Tally
from langfuse_otel.transport.base import Transport
from langfuse_otel.transport.outcome import (
    Accepted,
    Held,
    Outcome,
    Partial,
    Refused,
    RetryAfter,
    Split,
    WireChanged,
)

HOLD_S = 60.0
"""Between two attempts while a key or the address is wrong. Somebody has to put that right; asking faster won't."""

Observe = Callable[[Sequence[ReadableSpan]], Sequence[Observation]]
"""What spans mean, in their order; fewer when some are not to be sent. Handed in by whoever composes."""

Deadline = Callable[[], float]
"""The instant on the monotonic clock at which to stop. Asked again and again, as a shutdown may bring it nearer."""


class Sender:
    """Sends what is loaded, in order, one request at a time, for as long as it takes.

    What it has to do next outlives a call of ``run``: whoever runs it later goes on where the last one stopped, and
    does not ask the server earlier than it said. ``run`` and ``load`` belong to one thread at a time; all else to any.

    Args:
        transport: Encodes and sends.
        observe: Makes observations of the spans that are loaded.
        tally: Where every span's end is counted.
        settings: Limits of batches, requests and pauses.
        wait: Sleeps for so many seconds or until there is news.
        clock: Time.
        rng: For the jitter of pauses.
    """

    def __init__(
        self,
        transport: Transport,
        observe: Observe,
        tally: Tally,
        settings: Settings,
        *,
        wait: Callable[[float], object],
        clock: Clock = SYSTEM_CLOCK,
        rng: Callable[[], float] = random.random,
    ) -> None:
        self._transport = transport
        self._observe = observe
        self._tally = tally
        self._settings = settings
        self._wait = wait
        self._clock = clock
        self._backoff = Backoff(settings.retry_initial_s, settings.retry_max_s, random=rng)
        self.last_error: str | None = None
        self.reset()

    def reset(self) -> None:
        """Nothing loaded, nobody to wait for: what a forked child starts from."""
        # Held for the moment in which an answer is booked, so that ``abandon`` counts each span once. Re-entrant, as a
        # signal handler may shut down on the very thread that books.
        self._booking = threading.RLock()
        self._work: tuple[Batch, ...] = ()
        self._abandoned = False
        self._attempts = 0
        self._not_before = 0.0
        self._imposed = False  # whether the pause is the server's wish or a hold, and not our own caution
        self._vetted = False  # whether an empty request has passed since the last load
        self._set_state(State.DELIVERING)

    @property
    def pending_spans(self) -> int:
        """Spans loaded and not settled."""
        return sum(len(batch) for batch in self._work)

    def load(self, spans: Sequence[ReadableSpan]) -> None:
        """Read and encode spans and queue them. One that cannot be is counted as malformed and left out."""
        items = self._encoded(self._observed(spans))
        with self._booking:
            if self._abandoned:
                self._tally.count(Cause.SHUTDOWN, len(items))
                return
            self._vetted = False
            self._work += tuple(self._packed(items))

    def run(self, deadline: Deadline) -> bool:
        """Send until nothing is left (True), or the deadline passes or is nearer than the next attempt (False)."""
        while self._work:
            if not self._wait_for_turn(deadline):
                return False
            timeout_s = min(self._settings.timeout_s, deadline() - self._clock.monotonic())
            if timeout_s <= 0:
                return False
            batch = self._work[0]
            outcome = self._send(batch, timeout_s)
            with self._booking:
                if self._abandoned:
                    return False
                self._book(batch, self._work[1:], outcome)
        return True

    def hurry(self) -> None:
        """Let the next attempt come at once, unless the pause was the server's wish: the process is about to end."""
        if not self._imposed:
            self._attempts, self._not_before = 0, 0.0

    def abandon(self) -> int:
        """Forget what is loaded and say how many spans that was. A request under way may still deliver its own."""
        with self._booking:
            pending, self._work, self._abandoned = self.pending_spans, (), True
        if pending and self.state is State.RETRYING:  # why, unless a retry has said it within the last minute
            log.limited(logging.WARNING, "delivery.retry", "Langfuse took no spans up to the end: %s", self.last_error)
        return pending

    def _observed(self, spans: Sequence[ReadableSpan]) -> Sequence[Observation]:
        try:
            return self._observe(spans)
        except Exception as error:  # one strange span must not keep the others from leaving
            if len(spans) == 1:
                self._say_malformed(error)
                return ()
            return [observation for span in spans for observation in self._observed((span,))]

    def _encoded(self, observations: Iterable[Observation]) -> list[Item]:
        items: list[Item] = []
        for observation in observations:
            try:
                items.append(Item(observation, self._transport.encode(observation)))
            except Exception as error:
                self._say_malformed(error)
        return items

    def _say_malformed(self, error: Exception) -> None:
        self._tally.count(Cause.MALFORMED)
        message = "a span could not be encoded and is lost: %s: %s"
        log.limited(logging.WARNING, "delivery.malformed", message, type(error).__name__, error)

    def _packed(self, items: Sequence[Item]) -> list[Batch]:
        return pack(items, min(self._settings.max_batch_bytes, self._transport.max_batch_bytes))

    def _wait_for_turn(self, deadline: Deadline) -> bool:
        while (now := self._clock.monotonic()) < self._not_before:
            if self._not_before >= deadline():
                return False
            self._wait(self._not_before - now)
        return True

    def _send(self, batch: Batch, timeout_s: float) -> Outcome:
        until = self._clock.monotonic() + timeout_s
        try:
            outcome = self._transport.send([item.encoded for item in batch], timeout_s)
            if isinstance(outcome, Refused) and not self._vetted:
                outcome = self._vet(outcome, until - self._clock.monotonic())
        except Exception as error:  # out of memory, or a bug of ours: halves find the span that it is about
            return Split(f"{type(error).__name__}: {error}")
        return outcome

    def _vet(self, refused: Refused, timeout_s: float) -> Outcome:
        """Blame spans for a 400 only if an empty request passes; else the fault is not theirs, and all wait."""
        outcome = self._transport.send((), timeout_s)
        if isinstance(outcome, Refused):
            return Held(f"{refused.reason}; so is an empty request: check LANGFUSE_BASE_URL")
        if isinstance(outcome, (Accepted, Partial, Split)):
            self._vetted = True
            return refused
        return outcome

    def _book(self, batch: Batch, rest: tuple[Batch, ...], outcome: Outcome) -> None:
        """What an outcome does to the batch, to the counters and to the time of the next attempt."""
        if isinstance(outcome, RetryAfter):
            self._retry(outcome)
        elif isinstance(outcome, Held):
            self._hold(outcome)
        elif isinstance(outcome, WireChanged):
            pending = [item.observation for batch in self._work for item in batch]
            self._work = tuple(self._packed(self._encoded(pending)))
        elif isinstance(outcome, (Split, Refused)):
            self.last_error = outcome.reason
            if len(batch) > 1:
                self._tally.count(Cause.SPLIT)
                self._work = (*halves(batch), *rest)
            else:
                self._refuse(outcome.reason, batch[0])
                self._work = rest
        elif isinstance(outcome, Partial):
            self._book_partial(batch, rest, outcome)
        else:
            self._deliver(len(batch))
            self._work = rest

    def _book_partial(self, batch: Batch, rest: tuple[Batch, ...], outcome: Partial) -> None:
        for position, reason in outcome.refused.items():
            self._refuse(reason, batch[position])
        if outcome.refused_unnamed:
            self._refuse(outcome.reason, count=outcome.refused_unnamed)
        again = tuple(batch[position] for position in outcome.retry)
        self._deliver(len(batch) - len(again) - len(outcome.refused) - outcome.refused_unnamed)
        self._work = (again, *rest) if again else rest
        if again:
            self._retry(RetryAfter(f"{len(again)} of {len(batch)} spans failed for a while"))

    def _deliver(self, spans: int) -> None:
        self._tally.count(Cause.DELIVERED, spans)
        self._attempts, self._not_before, self._imposed = 0, 0.0, False
        if self.state is not State.DELIVERING:
            log.limited(logging.INFO, "delivery.again", "Langfuse takes spans again")
            self._set_state(State.DELIVERING)

    def _refuse(self, reason: str, item: Item | None = None, count: int = 1) -> None:
        self.last_error = reason
        self._tally.count(Cause.REFUSED, count)
        name = repr(item.observation.name) if item else f"{count} spans, not said which"
        log.limited(logging.WARNING, "delivery.refused", "a span was refused and is lost (%s): %s", name, reason)

    def _retry(self, outcome: RetryAfter) -> None:
        self.last_error = outcome.reason
        self._tally.count(Cause.RETRIED)
        pause_s = self._backoff.pause_s(self._attempts, retry_after_s=outcome.delay_s) or 0.0
        self._pause(pause_s, imposed=outcome.delay_s is not None)
        self._attempts += 1
        if self._attempts > 1:  # a connection that the server closed while idle is not worth a line
            message = "Langfuse takes no spans for now, they wait and are sent later: %s"
            log.limited(logging.WARNING, "delivery.retry", message, outcome.reason)
        self._set_state(State.RETRYING)

    def _hold(self, outcome: Held) -> None:
        self.last_error = outcome.reason
        self._pause(HOLD_S, imposed=True)
        message = "spans are kept and not sent, as something is set wrong: %s"
        log.once(logging.ERROR, f"delivery.held:{outcome.reason}", message, outcome.reason)
        self._set_state(State.HELD)

    def _pause(self, seconds: float, *, imposed: bool) -> None:
        self._not_before, self._imposed = self._clock.monotonic() + seconds, imposed

    def _set_state(self, state: State) -> None:
        if state is not getattr(self, "state", None):
            self.state, self.since = state, self._clock.wall()
