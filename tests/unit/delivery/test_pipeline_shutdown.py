"""The end of a pipeline: in time, and with a word for every span."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from langfuse_otel.delivery.status import State
from langfuse_otel.tally import Cause
from langfuse_otel.transport.outcome import Held, RetryAfter
from support.pipelines import pipeline
from support.spans import finished, span_ids
from support.transports import ScriptedTransport, StuckTransport

SPANS = finished(1_000)


def test_shutdown_delivers_what_is_left_and_reports_it() -> None:
    transport = ScriptedTransport()
    with pipeline(transport, flush_interval_s=3_600.0) as it:
        for span in SPANS:
            it.accept(span)
        report = it.shutdown(10.0)

        assert transport.accepted == span_ids(SPANS)
        assert (report.delivered, report.lost) == (1_000, {})
        assert it.status().state is State.CLOSED


def test_shutdown_of_a_hung_server_ends_in_time_and_says_what_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    transport = StuckTransport()
    with pipeline(transport) as it:
        for span in SPANS[:3]:
            it.accept(span)
        started = time.monotonic()
        report = it.shutdown(0.05)

        assert time.monotonic() - started < 5.0
        assert (report.delivered, report.lost) == (0, {"shutdown": 3})
        assert "lost: shutdown=3" in caplog.text
        transport.release.set()


def test_an_answer_after_shutdown_changes_no_count() -> None:
    transport = StuckTransport()
    with pipeline(transport) as it:
        it.accept(SPANS[0])
        it._worker.wakeup.set()
        assert transport.entered.wait(10)
        worker = it._worker.thread
        it.shutdown(0.0)
        transport.release.set()
        assert worker is not None
        worker.join(10)

        assert it.tally.snapshot() == {"accepted": 1, "shutdown": 1}


def test_shutdown_ends_at_once_when_the_server_is_not_to_be_asked_before_the_deadline() -> None:
    transport = ScriptedTransport(rule=lambda ids: Held("HTTP 401"))
    with pipeline(transport) as it:
        it.accept(SPANS[0])
        assert not it.flush(0.2)
        started = time.monotonic()
        report = it.shutdown(50.0)

        assert time.monotonic() - started < 30.0
        assert report.lost == {"shutdown": 1}


def test_shutdown_makes_one_more_attempt_instead_of_sitting_out_our_own_pause() -> None:
    transport = ScriptedTransport([RetryAfter("HTTP 500")])
    with pipeline(transport, retry_initial_s=3_600.0, retry_max_s=3_600.0) as it:
        it.accept(SPANS[0])
        assert not it.flush(0.2)
        report = it.shutdown(10.0)

        assert (report.delivered, report.lost) == (1, {})


def test_shutdown_twice_and_from_many_threads_is_one_shutdown() -> None:
    transport = StuckTransport()
    with pipeline(transport) as it:
        it.accept(SPANS[0])
        threads = [threading.Thread(target=it.shutdown, args=(10.0,)) for _ in range(5)]
        for thread in threads:
            thread.start()
        transport.release.set()
        for thread in threads:
            thread.join()

        assert it.shutdown(10.0).delivered == 1
        assert it.tally.snapshot() == {"accepted": 1, "delivered": 1}


def test_shutdown_in_a_signal_handler_during_a_flush_does_not_deadlock() -> None:
    transport = StuckTransport()
    with pipeline(transport) as it:
        it.accept(SPANS[0])

        def handler(*_: object) -> None:
            transport.release.set()
            it.shutdown(10.0)

        before = signal.signal(signal.SIGALRM, handler)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            it.flush(10.0)
        finally:
            signal.signal(signal.SIGALRM, before)

        assert it.tally.snapshot() == {"accepted": 1, "delivered": 1}


def test_spans_that_end_after_shutdown_are_counted_and_raise_nothing() -> None:
    with pipeline(ScriptedTransport()) as it:
        it.shutdown(1.0)

        assert it.accept(SPANS[0]) is Cause.SHUTDOWN
        assert it.tally.snapshot() == {"shutdown": 1}


def test_each_span_that_ends_during_shutdown_is_delivered_or_counted() -> None:
    transport = ScriptedTransport()
    with pipeline(transport) as it:
        go = threading.Event()

        def end_spans() -> None:
            go.wait()
            for span in SPANS[:200]:
                it.accept(span)

        threads = [threading.Thread(target=end_spans) for _ in range(10)]
        for thread in threads:
            thread.start()
        go.set()
        it.shutdown(10.0)
        for thread in threads:
            thread.join()

        counts = it.tally.snapshot()
        assert counts.get("delivered", 0) + counts.get("shutdown", 0) == 2_000
        assert counts.get("delivered", 0) == counts.get("accepted", 0)
