"""One who takes loads from the intake and sends them, on a thread of ours or on one that stands in for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from langfuse_otel.clock import Clock
from langfuse_otel.delivery.gate import Deadline
from langfuse_otel.delivery.intake import Intake, Load
from langfuse_otel.delivery.sender import Sender
from langfuse_otel.delivery.wakeup import Wakeup


class Worker:
    """A sender with a load of its own.

    Args:
        sender: Its own.
        intake: Where it takes from.
        max_spans: Of one load.
        max_bytes: Of one load, about.
        on_settled: Called after each load.
        on_taken: Called when a load is ready to be sent, with the seconds that this took.
        goes_on: Whether to take another load after one is sent, or to let spans gather first.
        clock: Time.
    """

    def __init__(
        self,
        sender: Sender,
        intake: Intake,
        max_spans: int,
        max_bytes: int,
        *,
        on_settled: Callable[[], None],
        on_taken: Callable[[float], None],
        goes_on: Callable[[], bool],
        clock: Clock,
    ) -> None:
        self.thread: threading.Thread | None = None
        self._sender = sender
        self._intake = intake
        self._max_spans = max_spans
        self._max_bytes = max_bytes
        self._on_settled = on_settled
        self._on_taken = on_taken
        self._goes_on = goes_on
        self._clock = clock
        self._load: Load | None = None
        self.renew_locks()

    def renew_locks(self) -> None:
        """Have locks of the kind that ``threading`` makes now. Nobody may be waiting for one, or hold one."""
        self.wakeup = Wakeup()
        self._delivering = threading.Lock()  # whoever holds it is the one that takes and sends

    def deliver(self, deadline: Deadline) -> bool:
        """Send what there is, and on while it is worth a request (True), unless the deadline or a pause stands in the
        way (False).
        """
        if not self._delivering.acquire(
            timeout=min(max(0.0, deadline() - self._clock.monotonic()), threading.TIMEOUT_MAX)
        ):
            return False
        try:
            while self._sender.run(deadline):
                if self._load is not None:
                    self._intake.release(self._load)
                    self._load = None
                    self._on_settled()
                    if not self._goes_on():
                        return True
                began = self._clock.monotonic()
                self._load = self._intake.take(self._max_spans, self._max_bytes)
                if self._load is None:
                    return True
                self._sender.load(self._load.entries)
                self._on_taken(self._clock.monotonic() - began)
            return False
        finally:
            self._delivering.release()

    def abandon(self) -> int:
        """Forget what is loaded and say how many spans are lost by that."""
        return self._sender.abandon()
