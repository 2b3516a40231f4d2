"""The buffer: bounded by spans and by bytes, first in first out, safe against itself."""

from __future__ import annotations

import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider

from langfuse_otel.delivery.buffer import SPAN_BYTES, Buffer, size_bytes
from langfuse_otel.tally import Cause
from support.spans import Collector, finished


def measure(bits: int) -> int:
    """Draws each span."""
    return 0


def estimate(bits: int) -> int:
    """Draws no span."""
    return 1


def test_spans_leave_in_the_order_in_which_they_came() -> None:
    buffer = Buffer(10, 1_000_000)
    spans = finished(5)
    for span in spans:
        assert buffer.put(span) is Cause.ACCEPTED

    assert buffer.take(2, 1_000_000) == spans[:2]
    assert buffer.take(10, 1_000_000) == spans[2:]
    assert buffer.take(10, 1_000_000) == []


def test_the_newest_span_is_refused_when_the_number_is_reached() -> None:
    buffer = Buffer(2, 1_000_000)
    first, second, third = finished(3)
    causes = [buffer.put(span) for span in (first, second, third)]

    assert causes == [Cause.ACCEPTED, Cause.ACCEPTED, Cause.QUEUE_FULL]
    assert buffer.take(10, 1_000_000) == [first, second]


def test_the_newest_span_is_refused_when_its_bytes_find_no_room() -> None:
    buffer = Buffer(100, 2 * SPAN_BYTES + 10_000, draw=measure)
    large, small = finished(1, input="x" * 10_000)[0], finished(1)[0]

    assert buffer.put(large) is Cause.ACCEPTED
    assert buffer.put(large) is Cause.QUEUE_FULL
    assert buffer.put(small) is Cause.ACCEPTED
    assert buffer.waiting_bytes == size_bytes(large) + size_bytes(small)


def test_while_there_is_room_a_span_that_is_not_drawn_counts_for_the_average_of_those_that_are() -> None:
    draws = iter([0] * 100 + [1])
    buffer = Buffer(1_000, 100_000_000, draw=lambda bits: next(draws))
    measured, estimated = finished(1, input="x" * 8_000)[0], finished(1, input="x" * 50_000)[0]
    for _ in range(100):
        buffer.put(measured)
    before_bytes = buffer.waiting_bytes
    buffer.put(estimated)

    assert before_bytes == 100 * size_bytes(measured)
    assert buffer.waiting_bytes - before_bytes == pytest.approx(size_bytes(measured), rel=0.01)


def test_past_a_quarter_of_the_bytes_every_span_is_measured() -> None:
    buffer = Buffer(1_000, 8 * SPAN_BYTES, draw=estimate)
    span = finished(1, input="x" * 1_000)[0]
    for _ in range(2):  # a quarter, as estimated
        buffer.put(span)

    buffer.put(span)
    assert buffer.waiting_bytes == 2 * SPAN_BYTES + size_bytes(span)


def test_past_a_quarter_of_the_spans_every_span_is_measured() -> None:
    buffer = Buffer(8, 100_000_000, draw=estimate)
    span = finished(1, input="x" * 1_000)[0]
    for _ in range(3):
        buffer.put(span)

    assert buffer.waiting_bytes == 2 * SPAN_BYTES + size_bytes(span)


def test_large_spans_are_noticed_before_the_limit_whatever_the_order_of_large_and_small() -> None:
    """Seven small and a large one, again and again: counting them off, one might never meet the large."""
    small, large = finished()[0], finished(1, input="x" * 1_000_000)[0]
    buffer = Buffer(100_000, 64_000_000, draw=random.Random(1).getrandbits)
    held_bytes = 0
    for number in range(2_000):
        span = small if number % 8 else large
        held_bytes += size_bytes(span) if buffer.put(span) is Cause.ACCEPTED else 0

    assert held_bytes == pytest.approx(64_000_000, rel=0.25)


def test_what_was_taken_makes_room() -> None:
    buffer = Buffer(1, 1_000_000)
    span = finished()[0]
    buffer.put(span)
    buffer.take(1, 1)

    assert buffer.waiting_bytes == 0
    assert buffer.put(span) is Cause.ACCEPTED


def test_a_take_ends_at_its_bytes_but_takes_one_span_at_least() -> None:
    buffer = Buffer(10, 1_000_000, draw=measure)
    spans = finished(3, input="x" * 10_000)
    for span in spans:
        buffer.put(span)

    assert buffer.take(10, 1) == spans[:1]
    assert buffer.take(10, 15_000) == spans[1:]


def test_a_closed_buffer_accepts_nothing_and_can_be_emptied() -> None:
    buffer = Buffer(10, 1_000_000)
    span = finished()[0]
    buffer.put(span)
    buffer.close()

    assert buffer.put(span) is Cause.SHUTDOWN
    assert buffer.clear() == 1


def test_the_size_is_that_of_the_text_in_attributes_and_events() -> None:
    collector = Collector()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(collector)
    with provider.get_tracer("tests").start_as_current_span("x") as span:
        span.set_attributes({"input": "a" * 100, "tags": ["b" * 10, "c" * 10], "n": 1})
        span.add_event("gen_ai.content.prompt", {"gen_ai.prompt": "d" * 1_000})

    assert size_bytes(collector.spans[0]) == SPAN_BYTES + 100 + 20 + 1_000


def test_many_threads_together_stay_below_the_limit_and_lose_no_accepted_span() -> None:
    buffer = Buffer(500, 10_000_000)
    span = finished()[0]
    accepted: list[int] = []

    def put_many() -> None:
        accepted.append(sum(buffer.put(span) is Cause.ACCEPTED for _ in range(100)))

    threads = [threading.Thread(target=put_many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(accepted) == buffer.waiting_spans == buffer.put_spans == 500


def test_a_span_that_ends_while_this_thread_is_in_put_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As from a ``__del__`` or a signal handler: the lock is this thread's already."""
    buffer = Buffer(10, 1_000_000)
    span = finished()[0]

    with buffer._put_lock:
        assert buffer.put(span) is Cause.ACCEPTED
        assert buffer.take(10, 1_000_000) == [span]  # and a flush from there takes it


@given(st.lists(st.one_of(st.integers(0, 30_000), st.none()), max_size=60))
def test_bytes_never_exceed_the_limit_and_come_back_to_zero(steps: list[int | None]) -> None:
    """Numbers are spans of that much text to put, None takes two."""
    buffer = Buffer(20, 100_000)
    by_size = {size: finished(1, input="x" * size)[0] for size in {*steps} - {None} if size is not None}
    for step in steps:
        if step is None:
            buffer.take(2, 1_000_000)
        else:
            buffer.put(by_size[step])
        assert buffer.waiting_bytes <= 100_000
        assert buffer.waiting_spans <= 20
    buffer.clear()
    assert buffer.waiting_bytes == 0
