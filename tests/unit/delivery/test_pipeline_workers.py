"""Several requests at a time, while more waits than one request takes."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from langfuse_otel.tally import Cause
from langfuse_otel.transport.outcome import Accepted, Outcome, RetryAfter
from langfuse_otel.wire.encoded import Encoded
from support.pipelines import pipeline
from support.spans import finished, span_ids
from support.transports import ScriptedTransport

SPANS = finished(1_000)


class FarTransport(ScriptedTransport):
    """A server far away: each request takes until so many are under way together, and the first a moment."""

    def __init__(self, together: int) -> None:
        super().__init__()
        self.together = together
        self.under_way = self.most = 0
        self.changed = threading.Condition()

    def send(self, batch: Sequence[Encoded], timeout_s: float) -> Outcome:
        with self.changed:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.most >= self.together, 0.2 if not self.batches else 10.0)
            outcome = super().send(batch, timeout_s)
            self.under_way -= 1
        return outcome


def test_a_backlog_that_waits_for_the_server_is_sent_by_several_requests_at_a_time() -> None:
    transport = FarTransport(together=3)
    with pipeline(transport, max_batch_spans=10, max_concurrent_requests=3) as it:
        for span in SPANS:
            it.accept(span)
        assert it.flush(30.0)

        assert transport.most == 3
        assert transport.accepted == span_ids(SPANS)
        assert sum(map(len, transport.batches)) == len(SPANS)
        assert it.tally.snapshot() == {"accepted": 1_000, "delivered": 1_000}


def test_a_server_that_answers_at_once_does_not_get_a_request_for_every_span() -> None:
    """One ends while each request is under way; it waits for more, or for the flush interval, an hour."""
    spans, asked = iter(SPANS), threading.Semaphore(0)

    def rule(ids: list[str]) -> Outcome:
        it.accept(next(spans))
        asked.release()
        return Accepted()

    transport = ScriptedTransport(rule=rule)
    with pipeline(transport, max_batch_spans=10, flush_interval_s=3_600) as it:
        it.accept(next(spans))
        for _ in range(3):
            for _ in range(9):
                it.accept(next(spans))
            assert asked.acquire(timeout=10)

    assert [len(batch) for batch in transport.batches] == [10, 10, 10]


def test_no_request_beside_another_when_one_is_the_limit() -> None:
    transport = FarTransport(together=1)
    with pipeline(transport, max_batch_spans=10, max_concurrent_requests=1) as it:
        for span in SPANS:
            it.accept(span)
        assert it.flush(30.0)
        assert transport.most == 1


def test_while_the_server_fails_one_request_at_a_time_finds_out() -> None:
    class Failing(FarTransport):
        def send(self, batch: Sequence[Encoded], timeout_s: float) -> Outcome:
            outcome = super().send(batch, timeout_s)
            return RetryAfter("HTTP 503") if 3 < len(self.batches) < 20 else outcome

    transport = Failing(together=3)
    quick = {"retry_initial_s": 0.001, "retry_max_s": 0.01, "breaker_open_s": 0.001}
    with pipeline(transport, max_batch_spans=10, max_concurrent_requests=3, **quick) as it:
        for span in SPANS:
            it.accept(span)
        assert it.flush(30.0)
        assert transport.accepted == span_ids(SPANS)
        assert it.tally.get(Cause.DELIVERED) == 1_000


def test_shutdown_counts_what_each_of_several_workers_could_not_deliver() -> None:
    transport = FarTransport(together=3)

    with pipeline(transport, max_batch_spans=10, max_concurrent_requests=3) as it:
        for span in SPANS:
            it.accept(span)
        it.wake()
        with transport.changed:
            assert transport.changed.wait_for(lambda: transport.most == 3, 10.0)
        report = it.shutdown(10.0)

    assert report.delivered + sum(report.lost.values()) == 1_000
