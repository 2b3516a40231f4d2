"""Measurements are there when somebody collects, and cost the application's thread next to nothing."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from langfuse_otel.instrumentation.measurements import MANY, Measurements, record_all


class Recorded:
    """Counts, and says when so many were recorded."""

    def __init__(self, provider: Any = None) -> None:
        self.measurements = Measurements((provider or NoOpMeterProvider()).get_meter("test"))
        self.count = 0
        self.threads: set[int] = set()
        self._changed = threading.Condition()

    def one(self) -> None:
        with self._changed:
            self.count += 1
            self.threads.add(threading.get_ident())
            self._changed.notify_all()

    def put(self, times: int) -> None:
        for _ in range(times):
            self.measurements.put(self.one)

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.count == count, 10), self.count


def test_a_reader_finds_what_was_measured_before_it_collects() -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    recorded = Recorded(provider)
    counter = provider.get_meter("test").create_counter("calls")
    recorded.measurements.put(lambda: counter.add(1))
    data = reader.get_metrics_data()

    assert data is not None
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    assert (metric.name, metric.data.data_points[0].value) == ("calls", 1)


def test_without_a_reader_they_are_recorded_by_another_thread_when_many_wait() -> None:
    recorded = Recorded()
    recorded.put(MANY - 1)
    assert recorded.count == 0
    recorded.put(1)
    recorded.wait_for(MANY)
    assert threading.get_ident() not in recorded.threads


def test_where_no_thread_can_be_had_they_are_recorded_before_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_thread(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("_thread.start_new_thread", no_thread)
    recorded = Recorded()
    recorded.put(4 * MANY)
    assert recorded.count == 4 * MANY


def test_one_that_cannot_be_recorded_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("a secret")

    recorded = Recorded()
    recorded.measurements.put(fail)
    recorded.put(1)
    record_all()
    assert recorded.count == 1
    assert "a secret" not in caplog.text


def test_many_threads_lose_none() -> None:
    recorded = Recorded()
    threads = [threading.Thread(target=recorded.put, args=(1_000,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorded.measurements.record_all()
    assert recorded.count == 8_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork there")
def test_a_forked_child_records_its_own_only() -> None:
    recorded = Recorded()
    recorded.put(3)
    child = os.fork()
    if child == 0:
        recorded.put(2)
        record_all()
        os._exit(recorded.count)
    _, status = os.waitpid(child, 0)
    record_all()
    assert os.waitstatus_to_exitcode(status) == 2
    assert recorded.count == 3


def test_what_waits_keeps_no_content(recording: Any, client: Any) -> None:
    """Only the ids of the span, which exemplars show, and its dimensions."""
    client.say("hello")
    span: Callable[[], Any] = weakref.ref(recording.span)
    recording._exporter.clear()
    gc.collect()
    assert span() is None
    assert recording.metrics()["gen_ai.client.operation.duration"][0].count == 1
