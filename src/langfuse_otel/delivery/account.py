"""What a pipeline says of itself: its status, what came of its spans, and a line of the log where some are lost."""

from __future__ import annotations

import logging

from langfuse_otel import log
from langfuse_otel.delivery.gate import Gate
from langfuse_otel.delivery.intake import Intake
from langfuse_otel.delivery.status import Report, State, Status, report
from langfuse_otel.hook import stuck
from langfuse_otel.settings import Settings
from langfuse_otel.tally import Cause, Tally
from langfuse_otel.transport.base import Transport


class Account:
    """Reads the parts of a pipeline. Holds nothing of its own.

    Args:
        transport: Where the spans go.
        intake: Where they wait.
        gate: Knows how delivery goes.
        tally: Counts them.
        settings: Limits.
    """

    def __init__(self, transport: Transport, intake: Intake, gate: Gate, tally: Tally, settings: Settings) -> None:
        self._transport = transport
        self._intake = intake
        self._gate = gate
        self._tally = tally
        self._settings = settings

    def status(self, *, is_closed: bool) -> Status:
        """How things stand."""
        return Status(
            state=State.CLOSED if is_closed else self._gate.state,
            since=self._gate.since,
            last_error=stuck() or self._gate.last_error,
            wire=self._transport.name,
            breaker=self._gate.breaker.state,
            counts=self._tally.snapshot(),
            requests=self._gate.traffic.snapshot(),
            **self._intake.figures()._asdict(),
        )

    def report(self) -> Report:
        """What came of all spans so far."""
        return report(self._tally, spooled=self._intake.figures().spooled_spans)

    def say_refused(self, cause: Cause) -> None:
        """Log that a span is not taken, where that is a loss; at most once a minute for a cause."""
        if cause is Cause.QUEUE_FULL:
            message = "the queue of %d spans and %d bytes is full, a new span is lost; last error: %s"
            limits = (self._settings.max_queue_spans, self._settings.max_queue_bytes)
            log.limited(logging.WARNING, "delivery.full", message, *limits, self._gate.last_error)
        elif cause is Cause.SHUTDOWN:
            log.limited(logging.WARNING, "delivery.closed", "a span ended after shutdown and is lost")

    def say_end(self) -> None:
        """Log what came of all spans, and why some are left if that was not said lately."""
        result = self.report()
        if (result.lost or result.spooled) and self._gate.state is State.RETRYING:
            log.limited(logging.WARNING, "delivery.retry", "Langfuse took no spans at last: %s", self._gate.last_error)
        level = logging.WARNING if result.lost else logging.INFO if result.spooled else logging.DEBUG
        log.logger.log(level, "shut down: %s", result)
