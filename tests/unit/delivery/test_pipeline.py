"""The pipeline: accept at once, deliver in the background."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Sequence

import pytest

from langfuse_otel import log
from langfuse_otel.delivery.assembly import assemble
from langfuse_otel.delivery.listeners import Listeners
from langfuse_otel.delivery.memory_intake import SAMPLE_RATE
from langfuse_otel.delivery.status import State
from langfuse_otel.errors import LangfuseError, SpansLostError
from langfuse_otel.observation import Observation
from langfuse_otel.settings import load
from langfuse_otel.tally import Cause
from langfuse_otel.transport.outcome import Held, Outcome, RetryAfter
from langfuse_otel.wire.encoded import Encoded
from support.pipelines import pipeline
from support.spans import finished, span_ids
from support.transports import ScriptedTransport, StuckTransport, observe

SPANS = finished(1_000)


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has no more threads to give, as at the interpreter's end."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)


def test_accepted_spans_are_delivered_by_another_thread() -> None:
    transport = ScriptedTransport()
    with pipeline(transport) as it:
        for span in SPANS[:10]:
            assert it.accept(span) is Cause.ACCEPTED

        assert it.flush(10.0)
        assert transport.accepted == span_ids(SPANS[:10])
        assert it.tally.snapshot() == {"accepted": 10, "delivered": 10}


def test_a_full_batch_does_not_wait_for_the_interval() -> None:
    transport = StuckTransport()
    with pipeline(transport, flush_interval_s=3_600.0, max_batch_spans=10) as it:
        for span in SPANS[:11]:
            it.accept(span)

        assert transport.entered.wait(10)
        transport.release.set()


def test_the_interval_sends_what_does_not_fill_a_batch() -> None:
    transport = StuckTransport()
    with pipeline(transport, flush_interval_s=0.01) as it:
        it.accept(SPANS[0])

        assert transport.entered.wait(10)
        transport.release.set()


def test_accepting_does_not_wait_for_a_server_that_hangs() -> None:
    transport = StuckTransport()
    with pipeline(transport, max_batch_spans=1) as it:
        it.accept(SPANS[0])
        it.accept(SPANS[1])
        assert transport.entered.wait(10)

        assert all(it.accept(span) is Cause.ACCEPTED for span in SPANS)
        transport.release.set()


def test_a_full_queue_refuses_and_counts_the_newest() -> None:
    transport = StuckTransport()
    with pipeline(transport, max_queue_spans=5, flush_interval_s=3_600.0) as it:
        causes = [it.accept(span) for span in SPANS[:8]]

        assert causes[:6] == [Cause.ACCEPTED] * 5 + [Cause.QUEUE_FULL]  # which wakes the worker, so that there is room
        accepted = [span for span, cause in zip(SPANS, causes, strict=False) if cause is Cause.ACCEPTED]
        assert it.tally.snapshot() == {"accepted": len(accepted), "queue_full": 8 - len(accepted)}
        transport.release.set()
        assert it.flush(10.0)
        assert transport.accepted == span_ids(accepted)


def test_a_span_that_ends_in_a_signal_handler_is_accepted() -> None:
    """At any point of another span's end: the handler fires a thousand times a second."""
    transport = ScriptedTransport()
    inside: list[Cause] = []
    with pipeline(transport, max_queue_spans=1_000_000) as it:
        before = signal.signal(signal.SIGALRM, lambda *_: inside.append(it.accept(SPANS[0])))
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        try:
            outside = 0
            while len(inside) < 20:
                outside += it.accept(SPANS[1]) is Cause.ACCEPTED
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

        assert set(inside) == {Cause.ACCEPTED}
        assert it.flush(30.0)
        assert it.tally.get(Cause.DELIVERED) == outside + len(inside)


def test_a_span_that_ends_in_a_finalizer_is_accepted() -> None:
    transport = ScriptedTransport()
    with pipeline(transport) as it:

        class Held_:
            def __init__(self) -> None:
                self.cycle = self

            def __del__(self) -> None:
                it.accept(SPANS[0])

        for span in SPANS[1:101]:
            Held_()
            it.accept(span)
        gc.collect()

        assert it.flush(10.0)
        assert it.tally.get(Cause.DELIVERED) == 200


def test_flush_waits_for_what_was_accepted_before_and_not_for_what_comes_after() -> None:
    class Late(ScriptedTransport):
        def send(self, batch: Sequence[Encoded], timeout_s: float) -> Outcome:
            outcome = super().send(batch, timeout_s)
            if len(self.batches) < 50:
                it.accept(SPANS[len(self.batches)])  # there is always one more
            return outcome

    transport = Late()
    with pipeline(transport, flush_interval_s=3_600.0) as it:
        it.accept(SPANS[0])

        assert it.flush(10.0)
        assert it.tally.get(Cause.DELIVERED) >= 1


def test_flush_of_nothing_is_true_at_once() -> None:
    with pipeline(StuckTransport()) as it:
        assert it.flush(0.0)


def test_flush_gives_up_in_time_when_the_server_hangs_and_loses_nothing() -> None:
    transport = StuckTransport()
    with pipeline(transport) as it:
        it.accept(SPANS[0])

        started = time.monotonic()
        assert not it.flush(0.05)
        assert time.monotonic() - started < 5.0  # the request itself takes up to 30
        transport.release.set()
        assert it.flush(10.0)
        assert transport.accepted == span_ids(SPANS[:1])


def test_two_threads_may_flush_at_once() -> None:
    transport = StuckTransport()
    with pipeline(transport) as it:
        it.accept(SPANS[0])
        results: list[bool] = []
        threads = [threading.Thread(target=lambda: results.append(it.flush(10.0))) for _ in range(5)]
        for thread in threads:
            thread.start()
        transport.release.set()
        for thread in threads:
            thread.join()

        assert results == [True] * 5


@pytest.mark.parametrize(
    ("refusal", "said"),
    [("can't start new thread", True), ("can't create new thread at interpreter shutdown", False)],
)
def test_a_missing_thread_is_worth_a_line_unless_the_program_ends(
    refusal: str, said: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError(refusal)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(log, "_minute", log.RateLimit(60.0))
    with pipeline(ScriptedTransport()) as it:
        it.accept(SPANS[0])
        it.accept(SPANS[1])
    lines = [record for record in caplog.records if record.levelname == "WARNING" and "no thread" in record.message]
    assert len(lines) == (1 if said else 0)


@pytest.mark.usefixtures("no_threads")
def test_without_a_thread_flush_sends_by_itself() -> None:
    transport = ScriptedTransport()
    with pipeline(transport) as it:
        for span in SPANS[:10]:
            assert it.accept(span) is Cause.ACCEPTED

        assert it.flush(10.0)
        assert transport.accepted == span_ids(SPANS[:10])


@pytest.mark.usefixtures("no_threads")
def test_without_a_thread_shutdown_sends_by_itself_within_its_time() -> None:
    transport = ScriptedTransport(rule=lambda ids: RetryAfter("HTTP 503"))
    with pipeline(transport, retry_initial_s=0.01) as it:
        it.accept(SPANS[0])
        report = it.shutdown(0.2)

        assert report.lost == {"shutdown": 1}
        assert all(timeout_s <= 0.2 for timeout_s in transport.timeouts_s)


def test_the_worker_outlives_an_error_of_ours() -> None:
    transport = ScriptedTransport()
    with pipeline(transport, flush_interval_s=0.01) as it:
        failures = iter([ValueError("bug"), ValueError("bug")])
        run = it._worker._sender.run

        def failing(deadline: object) -> bool:
            for error in failures:
                raise error
            return run(deadline)  # type: ignore[arg-type]

        it._worker._sender.run = failing  # type: ignore[method-assign,assignment]
        it.accept(SPANS[0])

        assert it.flush(10.0)
        assert transport.accepted == span_ids(SPANS[:1])


def test_status_shows_depth_limits_state_and_the_last_error() -> None:
    transport = ScriptedTransport(rule=lambda ids: Held("HTTP 401: check LANGFUSE_SECRET_KEY"))
    with pipeline(transport, max_queue_spans=50) as it:
        for span in SPANS[:3]:
            it.accept(span)
        it.flush(0.2)
        status = it.status()

        assert status.state is State.HELD
        assert status.last_error == "HTTP 401: check LANGFUSE_SECRET_KEY"
        assert (status.pending_spans, status.max_spans) == (3, 50)
        assert status.wire == "scripted"
        assert status.counts == {"accepted": 3}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_sends_its_own_spans_and_the_parent_keeps_its_own() -> None:
    transport = ScriptedTransport()
    with pipeline(transport, flush_interval_s=3_600.0) as it:
        for span in SPANS[:10]:
            it.accept(span)
        child = os.fork()
        if child == 0:
            it.accept(SPANS[10])
            delivered = it.flush(10.0) and transport.accepted == span_ids(SPANS[10:11])
            os._exit(0 if delivered and it.tally.snapshot() == {"accepted": 1, "delivered": 1} else 1)
        _, wait_status = os.waitpid(child, 0)

        assert os.waitstatus_to_exitcode(wait_status) == 0
        assert it.flush(10.0)
        assert transport.accepted == span_ids(SPANS[:10])


def test_pressure_is_told_when_it_begins_and_when_it_ends() -> None:
    told: list[tuple[bool, float]] = []
    transport = StuckTransport()
    listeners = Listeners(on_pressure=lambda begins, share: told.append((begins, share)))
    it = assemble(transport, observe, load({}, max_queue_spans=10, flush_interval_s=0.01), listeners=listeners)
    for span in SPANS[:20]:
        it.accept(span)
    transport.release.set()
    assert it.flush(10.0)
    it.shutdown(10.0)

    assert [begins for begins, _ in told] == [True, False] * (len(told) // 2)
    assert told[0][1] >= 0.8


def test_what_was_lost_is_told_to_the_application() -> None:
    errors: list[LangfuseError] = []
    transport = StuckTransport()
    it = assemble(
        transport,
        observe,
        load({}, max_queue_spans=5, flush_interval_s=3_600.0),
        listeners=Listeners(on_error=errors.append),
    )
    for span in SPANS[:8]:
        it.accept(span)
    transport.release.set()
    assert it.flush(10.0)
    it.shutdown(10.0)

    lost = [error.lost for error in errors if isinstance(error, SpansLostError)]
    assert lost == [{"queue_full": it.tally.get(Cause.QUEUE_FULL)}]


def test_kept_spans_of_a_sampled_queue_say_which_share_was_kept() -> None:
    transport = StuckTransport()
    seen: list[Observation] = []
    transport.encode = lambda told, max_bytes=None: seen.append(told) or Encoded(b"", b"x", "")  # type: ignore
    with pipeline(transport, max_queue_spans=100, max_batch_spans=10, backpressure="sample") as it:
        causes = [it.accept(span) for span in SPANS]
        assert it.status().is_under_pressure
        assert it.status().sample_rate < 1
        transport.release.set()
        assert it.flush(10.0)

    rates = [told.metadata.get(SAMPLE_RATE, 1.0) for told in seen]
    assert len(rates) == causes.count(Cause.ACCEPTED)
    assert min(rates) < 1
    assert Cause.SAMPLED in causes
