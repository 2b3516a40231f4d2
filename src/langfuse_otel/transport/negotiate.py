"""Which wire does this server take? Asked once, by the thread that sends, never by the application's."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from langfuse_otel import fork, log
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.observation import Observation
from langfuse_otel.transport.base import Transport
from langfuse_otel.transport.outcome import Accepted, Held, NotServed, Outcome, Partial, Refused, Split, WireChanged
from langfuse_otel.wire.encoded import Encoded


class AutoTransport:
    """OTLP where the server has it, else ingestion (self-hosted Langfuse v2 and early v3).

    Before the first batch an empty OTLP export asks. A server that cannot be reached decides nothing: the spans wait.
    Either wire may stop being served later (an upgrade to v4 refuses ingestion events): then it asks again, and only
    when neither is served, the spans are held.

    Args:
        otlp: The transport to prefer.
        ingestion: The other.
        clock: For the time that an enquiry takes off a request's timeout.
    """

    def __init__(self, otlp: Transport, ingestion: Transport, clock: Clock = SYSTEM_CLOCK) -> None:
        self._otlp = otlp
        self._ingestion = ingestion
        self._clock = clock
        self._current = otlp
        self._decided = False
        self._asking = threading.RLock()  # one enquiry at a time, whoever sends
        fork.register(self)

    def after_fork_child(self) -> None:
        """A lock of the child's own."""
        self._asking = threading.RLock()

    @property
    def name(self) -> str:
        """The wire's name, or that there is none yet."""
        return self._current.name if self._decided else "auto (undecided)"

    @property
    def max_batch_bytes(self) -> int:
        """The limit of the wire in use."""
        return self._current.max_batch_bytes

    def encode(self, observation: Observation, max_bytes: int | None = None) -> Encoded:
        """Encode for the wire in use; for OTLP while none is decided."""
        return self._current.encode(observation, max_bytes)

    def send(self, batch: Sequence[Encoded], timeout_s: float) -> Outcome:
        """Decide if need be, then send. ``WireChanged`` when the batch is in the wrong encoding by then."""
        deadline = self._clock.monotonic() + timeout_s
        if not self._decided:
            with self._asking:
                changed = None if self._decided else self._ask(timeout_s)
            if changed is not None:
                return changed
        current = self._current
        if batch and batch[0].wire != current.name:  # another worker has changed the wire meanwhile
            return WireChanged()
        outcome = current.send(batch, deadline - self._clock.monotonic())
        if isinstance(outcome, NotServed):
            with self._asking:
                if current is not self._current:
                    return WireChanged()
                return self._ask(deadline - self._clock.monotonic(), refused=outcome) or outcome
        return outcome

    def _ask(self, timeout_s: float, refused: NotServed | None = None) -> Outcome | None:
        """Decide by an empty OTLP export. None when the wire stays the same, else what to answer for the batch.

        Args:
            timeout_s: For the enquiry.
            refused: What the wire in use has just said to a batch.
        """
        outcome = self._otlp.send((), timeout_s)
        if isinstance(outcome, (Accepted, Partial, Split, Refused)):  # whatever it says, it is there
            return self._use(self._otlp, "the server takes OTLP")
        if isinstance(outcome, NotServed):
            if refused is not None and self._current is self._ingestion:
                self._decided = False  # whatever answers later, begin with OTLP again
                return Held(f"neither OTLP ({outcome.reason}) nor ingestion ({refused.reason}) is served")
            return self._use(self._ingestion, "the server has no OTLP endpoint")
        return outcome

    def _use(self, transport: Transport, reason: str) -> WireChanged | None:
        changed = transport is not self._current
        if changed or not self._decided:
            log.once(logging.INFO, f"wire:{transport.name}", "sending spans by %s: %s", transport.name, reason)
        self._current, self._decided = transport, True
        return WireChanged() if changed else None
