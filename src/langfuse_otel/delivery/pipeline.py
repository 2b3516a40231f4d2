"""The way of a span through this process: accepted on the application's thread, delivered by one of ours."""

from __future__ import annotations

import logging
import math
import threading

from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel import fork, log
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.delivery import drain
from langfuse_otel.delivery.buffer import Buffer
from langfuse_otel.delivery.sender import Deadline, Observe, Sender
from langfuse_otel.delivery.status import Report, State, Status, report
from langfuse_otel.delivery.wakeup import Wakeup
from langfuse_otel.settings import Settings
from langfuse_otel.tally import Cause, Tally
from langfuse_otel.transport.base import Transport

_RESTART_PAUSE_S = 1.0  # between two tries to start a thread in a process that may have no more


class Pipeline:
    """Accepts spans and delivers them, best effort: what waits is in memory and ends with the process.

    One worker thread, started by the first span, restarted by the first span after a fork. A forked child starts empty:
    what the parent had accepted stays the parent's. Every method may be called from any thread, also from signal
    handlers and ``__del__``.

    Args:
        transport: Where the spans go.
        observe: What they mean; called by the worker.
        settings: Limits and times.
        tally: Counters; its own by default.
        clock: Time, for deadlines.
    """

    def __init__(
        self,
        transport: Transport,
        observe: Observe,
        settings: Settings,
        tally: Tally | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._transport = transport
        self._settings = settings
        self.tally = tally if tally is not None else Tally()
        self._clock = clock
        self._buffer = Buffer(settings.max_queue_spans, settings.max_queue_bytes)
        self._sender = Sender(transport, observe, self.tally, settings, wait=self._pause, clock=clock)
        self._max_batch_spans, self._max_batch_bytes = settings.max_batch_spans, settings.max_batch_bytes
        self._deadline = math.inf  # of the shutdown; no end before that
        self._finished = False
        self._start_over()
        fork.register(self)
        drain.at_exit(self)

    @property
    def shutdown_timeout_s(self) -> float:
        """How long the exit of the process may be held up."""
        return self._settings.shutdown_timeout_s

    def _start_over(self) -> None:
        self._wakeup = Wakeup()
        self._woken = False  # spares the threads that end spans a wake-up each while the worker is busy
        self._delivering = threading.Lock()  # whoever holds it is the one that takes from the buffer and sends
        self._lifecycle = threading.RLock()  # start and end; re-entrant for signal handlers
        self._worker: threading.Thread | None = None
        self._no_start_before = 0.0
        self._settled_spans = 0
        self._waiters: list[Wakeup] = []

    def after_fork_child(self) -> None:
        """Forget what the parent will send, and every lock that a thread of the parent may hold."""
        self._buffer.reset()
        self._sender.reset()
        self.tally.reset()
        self._start_over()

    # --- On the application's threads ---------------------------------------------------------------------------------

    def accept(self, span: ReadableSpan) -> Cause:
        """Take a span in charge and return at once: ``ACCEPTED``, or why not, counted and logged. Never raises."""
        try:
            cause = self._buffer.put(span)
            self.tally.count(cause)
            if cause is not Cause.ACCEPTED:
                self._say_refused(cause)
            elif self._worker is None:
                self._start_worker()
            elif not self._woken and self._buffer.holds(self._max_batch_spans, self._max_batch_bytes):
                self._woken = True
                self._wakeup.set()
        except Exception as error:  # nothing of ours may reach the code that ends a span
            self.tally.count(Cause.MALFORMED)
            log.limited(logging.WARNING, "delivery.accept", "a span could not be accepted: %s", error)
            return Cause.MALFORMED
        return cause

    def flush(self, timeout_s: float) -> bool:
        """Wait until every span accepted so far is delivered or refused for good.

        Returns:
            False when ``timeout_s`` seconds did not suffice; the spans stay, and are sent later.
        """
        return self._settle(self._clock.monotonic() + timeout_s)

    def close(self, timeout_s: float) -> None:
        """Begin to shut down without waiting: accept no more, and deliver what is there within ``timeout_s`` seconds.

        Only the first call counts.
        """
        with self._lifecycle:
            if self._deadline < math.inf:
                return
            self._deadline = self._clock.monotonic() + max(0.0, timeout_s)
        self._buffer.close()
        self._sender.hurry()
        self._wakeup.set()

    def shutdown(self, timeout_s: float) -> Report:
        """Deliver what is left within ``timeout_s`` seconds; then count the rest as lost, say so in one line, and stop.

        Further calls wait for the first one's end, at most for their own timeout. Starts no thread; without a worker
        the caller sends.
        """
        self.close(timeout_s)
        settled = self._settle(self._clock.monotonic() + max(0.0, timeout_s))
        if settled or self._worker is None or self._clock.monotonic() >= self._deadline:
            self.abandon()
        return report(self.tally)

    def abandon(self) -> None:
        """Stop at once: count what is left as lost and say so in one line. Only the first call has an effect."""
        with self._lifecycle:
            if self._finished:
                return
            self._finished = True
        drain.forget(self)
        self.close(0.0)
        self.tally.count(Cause.SHUTDOWN, self._sender.abandon() + self._buffer.clear())
        self._notify()
        result = report(self.tally)
        log.logger.log(logging.WARNING if result.lost else logging.DEBUG, "shut down: %s", result)

    def status(self) -> Status:
        """How things stand."""
        return Status(
            state=State.CLOSED if self._finished else self._sender.state,
            since=self._sender.since,
            last_error=self._sender.last_error,
            wire=self._transport.name,
            pending_spans=max(0, self._buffer.put_spans - self._settled_spans) if not self._finished else 0,
            max_spans=self._settings.max_queue_spans,
            pending_bytes=self._buffer.waiting_bytes,
            max_bytes=self._settings.max_queue_bytes,
            counts=self.tally.snapshot(),
        )

    def _say_refused(self, cause: Cause) -> None:
        if cause is Cause.QUEUE_FULL:
            message = "the queue of %d spans and %d bytes is full, a new span is lost; last error: %s"
            limits = (self._settings.max_queue_spans, self._settings.max_queue_bytes)
            log.limited(logging.WARNING, "delivery.full", message, *limits, self._sender.last_error)
        else:
            log.limited(logging.WARNING, "delivery.closed", "a span ended after shutdown and is lost")

    def _start_worker(self) -> None:
        with self._lifecycle:
            now = self._clock.monotonic()
            if self._worker is not None or self._deadline < math.inf or now < self._no_start_before:
                return
            worker = threading.Thread(target=self._work, name="langfuse-otel-delivery", daemon=True)
            self._worker = worker
            drain.arm()
            try:
                worker.start()
            except RuntimeError as error:  # no more threads, or the interpreter is ending: flush and shutdown send
                self._worker = None
                self._no_start_before = now + _RESTART_PAUSE_S
                # At the program's end, shutdown sends what waits: then it is nothing to worry about.
                level = logging.DEBUG if "interpreter shutdown" in str(error) else logging.WARNING
                log.limited(level, "delivery.thread", "no thread to deliver spans with, they wait: %s", error)

    def _settle(self, deadline: float) -> bool:
        """Wait for, or without a worker do, what has to be done for the spans accepted so far."""
        target = self._buffer.put_spans
        waiter = Wakeup()
        self._waiters.append(waiter)
        try:
            while self._settled_spans < target and not self._finished:
                if self._worker is None:
                    if not self._deliver(lambda: min(deadline, self._deadline)):
                        break
                else:
                    self._wakeup.set()
                    if not waiter.wait(deadline - self._clock.monotonic()):
                        break
            return self._settled_spans >= target
        finally:
            self._waiters.remove(waiter)

    # --- On the worker, or on whoever has to stand in for it ----------------------------------------------------------

    def _work(self) -> None:
        try:
            while self._deadline == math.inf:
                self._pause(self._settings.flush_interval_s)
                self._woken = False
                try:
                    self._deliver(lambda: self._deadline)
                except Exception as error:  # the worker outlives whatever happens, or nothing is delivered any more
                    log.limited(
                        logging.ERROR, "delivery.worker", "delivery failed: %s: %s", type(error).__name__, error
                    )
        finally:
            self._worker = None
            self._notify()

    def _pause(self, seconds: float) -> None:
        self._wakeup.wait(seconds)

    def _deliver(self, deadline: Deadline) -> bool:
        """Send until nothing is left (True) or the deadline or a pause of the sender's stands in the way (False)."""
        if not self._delivering.acquire(
            timeout=min(max(0.0, deadline() - self._clock.monotonic()), threading.TIMEOUT_MAX)
        ):
            return False
        try:
            while self._sender.run(deadline):
                self._settled_spans = self._buffer.taken_spans
                self._notify()
                spans = self._buffer.take(self._max_batch_spans, self._max_batch_bytes)
                if not spans:
                    return True
                self._sender.load(spans)
            return False
        finally:
            self._delivering.release()

    def _notify(self) -> None:
        for waiter in tuple(self._waiters):
            waiter.set()
