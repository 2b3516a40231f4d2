"""What gives way when the buffer is full, by strategy; each in a real buffer."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel.delivery.buffer import Buffer
from langfuse_otel.delivery.pressure import Block, DropNewest, DropOldest, Sample, strategy
from langfuse_otel.delivery.span_size import SPAN_BYTES
from langfuse_otel.settings import load
from langfuse_otel.tally import Cause
from support.spans import finished

MB = 1_000_000
LONG_S = 30.0  # that a test waits for what comes at once


def in_thread(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


# --- drop_oldest ------------------------------------------------------------------------------------------------------


def test_the_oldest_give_way_to_the_newest_and_are_counted() -> None:
    dropped: list[int] = []
    buffer = Buffer(3, MB, strategy=DropOldest(dropped.append))
    spans = finished(5)

    assert [buffer.put(span) for span in spans] == [Cause.ACCEPTED] * 5
    assert buffer.take(10, MB) == spans[2:]
    assert sum(dropped) == 2
    assert buffer.waiting_bytes == 0


def test_a_large_span_displaces_as_many_as_it_needs() -> None:
    dropped: list[int] = []
    buffer = Buffer(100, 10 * SPAN_BYTES, draw=lambda bits: 0, strategy=DropOldest(dropped.append))
    for span in finished(10):
        buffer.put(span)
    large = finished(1, input="x" * 3 * SPAN_BYTES)[0]

    assert buffer.put(large) is Cause.ACCEPTED
    assert dropped == [4]
    assert (buffer.waiting_spans, buffer.waiting_bytes) == (7, 10 * SPAN_BYTES)


def test_a_span_beyond_the_limit_displaces_none() -> None:
    dropped: list[int] = []
    buffer = Buffer(100, 10 * SPAN_BYTES, strategy=DropOldest(dropped.append))
    for span in finished(9):
        buffer.put(span)

    assert buffer.put(finished(1, input="x" * 10 * SPAN_BYTES)[0]) is Cause.QUEUE_FULL
    assert (dropped, buffer.waiting_spans) == ([], 9)


def test_dropped_spans_count_as_gone_so_that_a_flush_does_not_wait_for_them() -> None:
    buffer = Buffer(3, MB, strategy=DropOldest(lambda count: None))
    for span in finished(5):
        buffer.put(span)
    assert (buffer.put_spans, buffer.taken_spans) == (5, 2)
    buffer.take(10, MB)

    assert buffer.taken_spans == buffer.put_spans


def test_while_threads_put_and_take_every_span_is_taken_or_counted_as_dropped() -> None:
    dropped: list[int] = []
    buffer = Buffer(50, MB, strategy=DropOldest(dropped.append))
    spans = finished(200)
    taken: list[ReadableSpan] = []
    done = threading.Event()

    def put_all() -> None:
        for span in spans:
            assert buffer.put(span) is Cause.ACCEPTED

    def take_all() -> None:
        while not done.is_set():
            taken.extend(buffer.take(7, MB))

    taker = in_thread(take_all)
    putters = [in_thread(put_all) for _ in range(6)]
    for thread in putters:
        thread.join(LONG_S)
    done.set()
    taker.join(LONG_S)
    taken.extend(buffer.take(1_000, MB))

    assert len(taken) + sum(dropped) == 6 * 200
    assert (buffer.waiting_spans, buffer.waiting_bytes) == (0, 0)
    assert buffer.taken_spans == buffer.put_spans


# --- By the setting ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"), [("drop_newest", DropNewest), ("drop_oldest", DropOldest), ("block", Block), ("sample", Sample)]
)
def test_the_setting_names_the_strategy(name: str, kind: type) -> None:
    settings = load({"OTEL_EXPORTER_LANGFUSE_BACKPRESSURE": name})

    assert type(strategy(settings, on_dropped=print, wake=print)) is kind
