"""Traffic: requests by how they ended."""

from __future__ import annotations

import threading
from typing import get_args

import pytest

from langfuse_otel.delivery.traffic import ACCEPTED, FAILURES, Requests, Traffic
from langfuse_otel.transport.outcome import Accepted, Held, NotServed, Outcome, RetryAfter


def test_requests_add_up_by_outcome() -> None:
    traffic = Traffic()
    traffic.count(Accepted(), 1_000, 0.5)
    traffic.count(RetryAfter("HTTP 503"), 300, 2.0)
    traffic.count(Accepted(), 200, 0.25)

    assert traffic.snapshot() == {ACCEPTED: Requests(2, 1_200, 0.75), "unavailable": Requests(1, 300, 2.0)}


def test_a_wire_that_is_not_served_counts_as_held() -> None:
    traffic = Traffic()
    traffic.count(NotServed("HTTP 404"), 1, 0.1)
    traffic.count(Held("HTTP 401"), 1, 0.1)

    assert traffic.snapshot()["held"].count == 2


@pytest.mark.parametrize("kind", get_args(Outcome), ids=lambda kind: kind.__name__)
def test_every_outcome_has_a_name(kind: type[Outcome]) -> None:
    traffic = Traffic()
    traffic.count(object.__new__(kind), 1, 0.1)

    assert set(traffic.snapshot()) <= {ACCEPTED, *FAILURES}


def test_a_snapshot_stays_as_it_is() -> None:
    traffic = Traffic()
    before = traffic.snapshot()
    traffic.count(Accepted(), 1, 0.1)

    assert before == {}


def test_no_request_is_missed_when_several_threads_count() -> None:
    traffic = Traffic()
    start = threading.Barrier(4)

    def count() -> None:
        start.wait()
        for _ in range(1_000):
            traffic.count(Accepted(), 2, 0.0)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert traffic.snapshot() == {ACCEPTED: Requests(4_000, 8_000, 0.0)}
