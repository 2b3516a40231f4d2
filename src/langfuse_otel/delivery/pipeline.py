"""The way of a span through this process: accepted on the application's thread, delivered by threads of ours."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable

from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel import fork, log
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.delivery import drain, thread_start
from langfuse_otel.delivery.account import Account
from langfuse_otel.delivery.batch import max_load_bytes
from langfuse_otel.delivery.gate import Gate
from langfuse_otel.delivery.intake import Intake
from langfuse_otel.delivery.listeners import Listeners
from langfuse_otel.delivery.sender import Sender
from langfuse_otel.delivery.status import Report, State, Status
from langfuse_otel.delivery.wakeup import Waiters
from langfuse_otel.delivery.worker import Worker
from langfuse_otel.hook import stuck
from langfuse_otel.settings import Settings
from langfuse_otel.tally import ACCEPTED, Cause, Tally
from langfuse_otel.transport.base import Transport

_UPKEEP_S = 0.5  # between two rounds of upkeep while the server cannot be asked
_RESTART_PAUSE_S = 1.0  # between two tries to start a thread in a process that may have no more
_LISTENERS_S = 1.0  # after all else at a shutdown, for what the application is yet to be told
_DURABLE_PATIENCE_S = 1.0  # without progress at the exit, when what is left is safe on disk


class Pipeline:
    """Accepts spans and delivers them.

    One worker thread, started by the first span (at once where an earlier process may have left some), restarted by the
    first span after a fork; more of them, up to the setting, while a backlog waits for the server rather than for us. A
    forked child starts empty: what the parent had accepted stays the parent's. Every method may be called from any
    thread, also from signal handlers and ``__del__``.

    Args:
        transport: Where the spans go.
        intake: Where they wait.
        gate: When requests may go.
        settings: Limits and times.
        tally: Counters; those of the intake.
        listeners: The application's callbacks.
        clock: Time, for deadlines.

    Attributes:
        account: What it says of itself.
        on_upkeep: Called now and then by a worker, as long as there is one.
        shutdown_timeout_s: How long the exit of the process may be held up.
    """

    def __init__(
        self,
        transport: Transport,
        intake: Intake,
        gate: Gate,
        settings: Settings,
        tally: Tally,
        listeners: Listeners,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._transport = transport
        self._intake = intake
        self._gate = gate
        self._settings = settings
        self.tally = tally
        self.account = Account(transport, intake, gate, tally, settings)
        self._listeners = listeners
        self._clock = clock
        self._max_load_spans, self._max_load_bytes = settings.max_batch_spans, max_load_bytes(settings)
        self.shutdown_timeout_s = settings.shutdown_timeout_s
        self._deadline = math.inf  # of the shutdown; no end before that
        self._finished = False
        self._is_let_go = False
        self.on_upkeep: Callable[[], object] = lambda: None
        self._start_over()
        fork.register(self)
        drain.at_exit(self, also_at_sigterm=settings.drain_on_sigterm)
        gate.on_news = self.wake
        if intake.is_durable:
            self._start_worker()

    @property
    def is_working(self) -> bool:
        """Whether a thread of its own sees to it."""
        return self._worker.thread is not None

    def _start_over(self) -> None:
        self._worker = self._new_worker()
        self._helpers: list[Worker] = []  # further workers, for as long as they have something to do
        self._least_spans = self._max_load_spans  # that are worth a request before the flush interval is over
        self._woken = False  # spares the threads that end spans a wake-up each while the worker is busy
        self._locks_are = threading.Lock  # of the system's or, where gevent has put its own in their place, gevent's
        self._lifecycle = threading.RLock()  # start and end; re-entrant for signal handlers
        self._no_start_before = 0.0
        self._waiters = Waiters()  # for something to be settled, and for a worker's end

    def _new_worker(self) -> Worker:
        sender = Sender(
            self._transport,
            self._intake,
            self._gate,
            self.tally,
            self._settings,
            self._listeners,
            wait=lambda seconds: self._pause(worker, seconds),
            clock=self._clock,
        )
        worker = Worker(
            sender,
            self._intake,
            self._max_load_spans,
            self._max_load_bytes,
            on_settled=self._on_settled,
            on_taken=self._call_for_help,
            # A server that answers at once would else get a request for every few spans.
            goes_on=lambda: self._intake.holds(1 if self._waiters else self._least_spans, self._max_load_bytes),
            clock=self._clock,
        )
        return worker

    def after_fork_child(self) -> None:
        """Forget what the parent will send, if it will, and every lock that a thread of the parent may hold."""
        self._intake.reset()
        self._gate.reset()
        if not fork.is_heir():
            self.tally.reset()
        self._start_over()

    # --- On the application's threads ---------------------------------------------------------------------------------

    def accept(self, span: ReadableSpan) -> Cause:
        """Take a span in charge and return at once: ``ACCEPTED``, or why not, counted and logged. Never raises."""
        try:
            cause = self._intake.put(span)
            if cause is not ACCEPTED:
                self.tally.count(cause)
                self.account.say_refused(cause)
                self._worker.wakeup.set()  # it may sleep through all this where the queue is smaller than a batch
                return cause
            if self._worker.thread is None:
                self._start_worker()
            if not self._woken and self._intake.holds(self._least_spans, self._max_load_bytes):
                self._woken = True
                self._worker.wakeup.set()
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

    def hurry(self) -> None:
        """The process may end soon and without a word: deliver each span at once from now on."""
        self._least_spans = 1
        self.wake()

    def close(self, timeout_s: float) -> None:
        """Begin to shut down without waiting: deliver what is there, and what comes, within ``timeout_s`` seconds.

        Only the first call counts.
        """
        with self._lifecycle:
            if self._deadline < math.inf:
                return
            self._deadline = self._clock.monotonic() + max(0.0, timeout_s)
        self._gate.hurry()
        self.hurry()

    def shutdown(self, timeout_s: float) -> Report:
        """Accept no more and deliver what is left within ``timeout_s`` seconds; then count the rest as lost, and stop.

        One line says what came of all. Further calls wait for the first one's end, at most for their own timeout.
        Starts no thread; without a worker the caller sends.
        """
        self.close(timeout_s)
        if not self._intake.is_durable:  # else what comes until the end is safe, and delivered by the next process
            self._intake.close()
        settled = self._settle(self._clock.monotonic() + max(0.0, timeout_s))
        is_over = self._worker.thread is None or self._clock.monotonic() >= self._deadline
        if settled or self._intake.is_durable or is_over:
            self.abandon()
        self._listeners.settle(min(_LISTENERS_S, self._deadline - self._clock.monotonic()))
        return self.account.report()

    def leave(self, timeout_s: float) -> None:
        """``shutdown`` for a process that is killed next: a spool takes spans until that very moment."""
        if not self._intake.is_durable:
            self.shutdown(timeout_s)
            return
        self.close(timeout_s)
        if self._settle(self._clock.monotonic() + max(0.0, timeout_s)):
            self._stop_workers()
        result = self.account.report()
        log.logger.log(logging.INFO if result.spooled else logging.DEBUG, "ended by a signal: %s", result)

    def _stop_workers(self) -> None:
        """Begin no more requests, and let those under way end if they do so soon: their spans go only once then."""
        with self._lifecycle:
            self._deadline = self._clock.monotonic()
        self.wake()
        with self._waiters.one() as waiter:
            while self._worker.thread is not None or self._helpers:
                if not waiter.wait(_DURABLE_PATIENCE_S):
                    break

    def let_go(self) -> None:
        """Nobody is left who could end a span: begin to shut down, and end with the worker, so that none stays."""
        self._is_let_go = True
        self.close(self.shutdown_timeout_s)
        if self._worker.thread is None:
            self.abandon()

    def abandon(self) -> None:
        """Stop at once: count what is left as lost and say so in one line. Only the first call has an effect."""
        with self._lifecycle:
            if self._finished:
                return
            self._finished = True
        drain.forget(self)
        self.close(0.0)
        self._intake.close()
        lost = sum(worker.abandon() for worker in (self._worker, *self._helpers)) + self._intake.abandon()
        self.tally.count(Cause.SHUTDOWN, lost)
        self._waiters.notify()
        self.account.say_end()

    def status(self) -> Status:
        """How things stand."""
        return self.account.status(is_closed=self._finished)

    def reset_breaker(self) -> None:
        """Close the circuit breaker by hand, and let the next attempt come at once."""
        self._gate.breaker.reset()
        self._gate.try_now()
        self.wake()

    def _start_worker(self) -> None:
        if self._locks_have_changed and self._worker.thread is None:
            # gevent or eventlet has patched since: the worker will be a greenlet, and whatever waits for one of the
            # system's locks holds up all greenlets.
            self._worker.renew_locks()
            self._locks_are, self._lifecycle = threading.Lock, threading.RLock()
        with self._lifecycle:
            now = self._clock.monotonic()
            if self._worker.thread is not None or self._deadline < math.inf or now < self._no_start_before:
                return
            if not thread_start.may_start():
                return
            thread = threading.Thread(target=self._work, name="langfuse-otel-delivery", daemon=True)
            self._worker.thread = thread
            drain.arm()
            try:
                thread.start()
            except RuntimeError as error:  # no more threads, or the interpreter is ending: flush and shutdown send
                self._worker.thread = None
                self._no_start_before = now + _RESTART_PAUSE_S
                level = logging.DEBUG if "interpreter shutdown" in str(error) else logging.WARNING  # that one sends
                log.limited(level, "delivery.thread", "no thread to deliver spans with, they wait: %s", error)

    @property
    def _locks_have_changed(self) -> bool:
        return threading.Lock is not self._locks_are

    def _settle(self, deadline: float) -> bool:
        """Wait for, or without a worker do, what has to be done for the spans accepted so far.

        False at the deadline, or when the process may end as what is left is on disk, and for a while nothing was
        settled.
        """
        if self._locks_have_changed:
            thread_start.say_patched_late()
        mark = self._intake.mark()
        with self._waiters.one() as waiter:
            while not self._intake.has_settled(mark) and not self._finished:
                if self._worker.thread is not None:
                    self.wake()
                elif not self._worker.deliver(lambda: min(deadline, self._deadline)):
                    break
                is_patient = self._deadline == math.inf or not self._intake.is_durable
                patience_s = math.inf if is_patient else _DURABLE_PATIENCE_S
                if not waiter.wait(min(deadline - self._clock.monotonic(), patience_s)):
                    break
            settled = self._intake.has_settled(mark)
        if not settled and (culprit := stuck()) is not None:
            log.limited(logging.WARNING, "delivery.stuck", "spans wait, as %s", culprit)
        return settled

    def wake(self) -> None:
        """Let the workers look what there is to do."""
        for worker in (self._worker, *self._helpers):
            worker.wakeup.set()

    # --- On the workers -----------------------------------------------------------------------------------------------

    def _work(self) -> None:
        worker = self._worker
        try:
            if self._intake.is_durable:  # what earlier processes left has waited long enough
                self._keep_up()
                self._deliver_with(worker)
            while self._deadline == math.inf:
                self._rest(worker)
                self._woken = False
                self._deliver_with(worker)
        finally:
            worker.thread = None
            self._waiters.notify()
            if self._is_let_go:
                self.shutdown(self._deadline - self._clock.monotonic())

    def _rest(self, worker: Worker) -> None:
        """Until there is something to do, or the flush interval is over."""
        until = self._clock.monotonic() + self._settings.flush_interval_s
        while (left_s := until - self._clock.monotonic()) > 0:
            if worker.wakeup.wait(min(left_s, self._intake.upkeep_s)):
                return
            self._keep_up()

    def _pause(self, worker: Worker, seconds: float) -> None:
        """What a sender does until its turn comes."""
        worker.wakeup.wait(min(seconds, _UPKEEP_S))
        self._keep_up()

    def _keep_up(self) -> None:
        """What has to be done now and then, and what the application wants to be told."""
        if self._locks_have_changed:
            thread_start.say_patched_late()
        try:
            self._intake.maintain()
        except Exception as error:
            log.limited(logging.ERROR, "delivery.upkeep", "upkeep failed: %s: %s", type(error).__name__, error)
        self._listeners.news(self._intake.pressure_changes(), self.tally)
        self.on_upkeep()

    def _help(self, worker: Worker) -> None:
        try:
            while not self._deliver_with(worker) and self._deadline == math.inf:
                worker.wakeup.wait(_RESTART_PAUSE_S)
        finally:
            with self._lifecycle:
                self._helpers.remove(worker)
            self.tally.count(Cause.SHUTDOWN, worker.abandon())
            self._waiters.notify()

    def _deliver_with(self, worker: Worker) -> bool:
        try:
            return worker.deliver(lambda: self._deadline)
        except Exception as error:  # the worker outlives whatever happens, or nothing is delivered any more
            log.limited(logging.ERROR, "delivery.worker", "delivery failed: %s: %s", type(error).__name__, error)
            return False

    def _call_for_help(self, prepared_in_s: float) -> None:
        """Called by a worker with a load to send: start another if it would find one too, and the server is the limit.

        It is when a request takes longer than to prepare one: then another worker prepares while this one waits.
        """
        self._keep_up()
        if (
            self._gate.request_s <= prepared_in_s
            or self._gate.state is not State.DELIVERING
            or len(self._helpers) + 1 >= self._settings.max_concurrent_requests
            or self._locks_have_changed  # a helper would be a greenlet of this very thread, and wait while it waits
            or not self._intake.holds(self._max_load_spans, self._max_load_bytes)
        ):
            return
        worker = self._new_worker()
        with self._lifecycle:
            if self._deadline < math.inf:
                return
            self._helpers.append(worker)
            worker.thread = threading.Thread(
                target=self._help, args=(worker,), name="langfuse-otel-delivery-helper", daemon=True
            )
            try:
                worker.thread.start()
            except RuntimeError:  # no more threads; one does
                self._helpers.remove(worker)

    def _on_settled(self) -> None:
        self._listeners.news(self._intake.pressure_changes(), self.tally)
        self._waiters.notify()
