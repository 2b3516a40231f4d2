"""The buffer: bounded by spans and by bytes, first in first out, safe against itself."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.delivery.buffer import Buffer
from langfuse_otel.delivery.span_size import SPAN_BYTES, size_bytes
from langfuse_otel.tally import Cause
from support.spans import finished


def measure(bits: int) -> int:
    """Lets no span pass unmeasured."""
    return 0


def estimate(bits: int) -> int:
    """Lets as many pass as can be."""
    return 2**bits - 1


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


def test_while_there_is_room_a_span_that_is_not_measured_counts_for_the_average_of_those_that_are() -> None:
    draws = iter([0] * 99 + [1])
    buffer = Buffer(1_000, 100_000_000, draw=lambda bits: next(draws))
    measured, estimated = finished(1, input="x" * 8_000)[0], finished(1, input="x" * 50_000)[0]
    for _ in range(100):
        buffer.put(measured)
    before_bytes = buffer.waiting_bytes
    buffer.put(estimated)

    assert before_bytes == 100 * size_bytes(measured)
    assert buffer.waiting_bytes - before_bytes == pytest.approx(size_bytes(measured), rel=0.01)


@pytest.mark.parametrize(
    ("buffer", "quarter"),
    [(Buffer(40, 100_000_000, draw=estimate), 10), (Buffer(1_000, 100 * SPAN_BYTES, draw=estimate), 17)],
    ids=["of the spans", "of the bytes"],
)
def test_past_a_quarter_every_span_is_measured(buffer: Buffer, quarter: int) -> None:
    span = finished(1, input="x" * 1_000)[0]
    added_bytes = []
    for _ in range(30):
        before_bytes = buffer.waiting_bytes
        buffer.put(span)
        added_bytes.append(buffer.waiting_bytes - before_bytes)

    assert sum(added == size_bytes(span) for added in added_bytes[:quarter]) <= 2
    assert {*added_bytes[quarter:]} == {size_bytes(span)}


def test_large_spans_are_noticed_before_the_limit_whatever_the_order_of_large_and_small() -> None:
    """Seven small and a large one, again and again: counting them off, one might never meet the large."""
    small, large = finished()[0], finished(1, input="x" * 1_000_000)[0]
    buffer = Buffer(100_000, 64_000_000, draw=random.Random(1).getrandbits)
    held_bytes = 0
    for number in range(2_000):
        span = small if number % 8 else large
        held_bytes += size_bytes(span) if buffer.put(span) is Cause.ACCEPTED else 0

    assert held_bytes == pytest.approx(64_000_000, rel=0.25)


def test_large_spans_that_passed_unmeasured_are_measured_with_the_first_that_is() -> None:
    draws = iter([0] * 10 + [15] + [0] * 10)
    buffer = Buffer(1_000, 100_000_000, draw=lambda bits: next(draws))
    small, large = finished()[0], finished(1, input="x" * 1_000_000)[0]
    for span in [small] * 11 + [large] * 15:
        buffer.put(span)
    assert buffer.waiting_bytes < size_bytes(large)

    buffer.put(large)
    assert buffer.waiting_bytes == 11 * size_bytes(small) + 16 * size_bytes(large)

    buffer.clear()
    assert buffer.waiting_bytes == 0


def test_a_take_ends_at_its_bytes_also_where_spans_were_not_measured() -> None:
    buffer = Buffer(1_000, 100_000_000, draw=estimate)
    for span in [finished()[0], *finished(15, input="x" * 1_000_000)]:
        buffer.put(span)

    assert len(buffer.take(1_000, 3_000_000)) == 4


def test_what_is_checked_out_leaves_no_room_until_it_is_settled() -> None:
    buffer = Buffer(100, SPAN_BYTES + 10_000, draw=measure)
    span = finished(1, input="x" * 10_000)[0]
    buffer.put(span)
    spans, checked_out_bytes = buffer.check_out(10, 1_000_000)

    assert spans == [span]
    assert (buffer.waiting_bytes, buffer.held_bytes, buffer.utilisation) == (0, size_bytes(span), 1.0)
    assert buffer.put(span) is Cause.QUEUE_FULL

    buffer.settle(checked_out_bytes)
    assert buffer.held_bytes == 0
    assert buffer.put(span) is Cause.ACCEPTED


@pytest.mark.parametrize("draw", [measure, estimate])
def test_a_span_larger_than_the_limit_is_shortened_when_it_is_measured_or_taken(draw: Callable[[int], int]) -> None:
    short, giant = finished(1, input="short")[0], finished(1, input="x" * 1_000_000)[0]
    buffer = Buffer(100, 500_000, draw=draw, shorten=lambda span: short)
    buffer.put(short)

    assert buffer.put(giant) is Cause.ACCEPTED
    assert buffer.take(10, 1_000_000) == [short, short]


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


@pytest.mark.parametrize("draw", [measure, estimate])
@pytest.mark.parametrize("high", [0.8, 0.0], ids=["before pressure", "under pressure"])
def test_while_there_is_room_no_thread_waits_for_another_one_to_put(high: float, draw: Callable[[int], int]) -> None:
    buffer = Buffer(100, 10_000_000, draw=draw, high=high)
    spans = finished(3, input="x" * 10_000)
    buffer.put(spans[0])
    with buffer._put_lock:
        other = threading.Thread(target=lambda: [buffer.put(span) for span in spans[1:]], daemon=True)
        other.start()
        other.join(30)
        assert buffer.waiting_spans == 3

    assert buffer.put_spans == 3
    assert buffer.waiting_bytes > size_bytes(spans[0])
    assert buffer.take(10, 1_000_000) == spans
    assert buffer.waiting_bytes == 0


@pytest.mark.parametrize("attempt", range(50))
def test_a_span_that_is_put_while_another_thread_closes_is_taken_or_refused(attempt: int) -> None:
    buffer = Buffer(100_000, 1_000_000_000)
    span = finished()[0]
    at_once = threading.Barrier(5, timeout=30)
    accepted: list[int] = []

    def put_many() -> None:
        at_once.wait()
        accepted.append(len(list(itertools.takewhile(Cause.ACCEPTED.__eq__, map(buffer.put, itertools.repeat(span))))))

    threads = [threading.Thread(target=put_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    at_once.wait()
    buffer.close()
    for thread in threads:
        thread.join()

    assert buffer.put_spans - buffer.taken_spans == buffer.waiting_spans == sum(accepted)


def test_a_span_that_came_too_late_is_taken_back() -> None:
    """Another thread closes between the moment in which a span is let in and the one in which it is there."""
    buffer = Buffer(100, 10_000_000, draw=estimate)
    first, late = finished(2)
    buffer.put(first)
    buffer._closed = True

    assert buffer.put(late) is Cause.SHUTDOWN
    assert buffer.put_spans - buffer.taken_spans == buffer.waiting_spans == 1
    assert buffer.take(10, 1_000_000) == [first]


def test_a_span_that_ends_while_this_thread_is_in_put_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As from a ``__del__`` or a signal handler: the lock is this thread's already."""
    buffer = Buffer(10, 1_000_000)
    span = finished()[0]

    with buffer._put_lock:
        assert buffer.put(span) is Cause.ACCEPTED
        assert buffer.take(10, 1_000_000) == [span]  # and a flush from there takes it


def test_pressure_begins_at_the_high_mark_and_ends_at_the_low_one() -> None:
    buffer = Buffer(10, 1_000_000, high=0.8, low=0.5)
    seen = []
    for span in finished(9):
        buffer.put(span)
        seen.append(buffer.under_pressure)
    assert seen == [False] * 8 + [True]
    assert buffer.utilisation == 0.9

    for _ in range(3):
        buffer.take(1, 1)
        assert buffer.under_pressure
    buffer.take(1, 1)
    assert not buffer.under_pressure
    assert buffer.pressure_changes() == [(True, 0.8), (False, 0.5)]
    assert buffer.pressure_changes() == []


def test_pressure_begins_by_bytes_too() -> None:
    buffer = Buffer(1_000, 10 * SPAN_BYTES, draw=measure)
    for span in finished(8):
        buffer.put(span)
    assert not buffer.under_pressure
    buffer.put(finished()[0])

    assert buffer.under_pressure
    assert buffer.utilisation == 0.9


def test_pressure_that_ended_can_begin_again() -> None:
    buffer = Buffer(10, 1_000_000)
    for _ in range(3):
        for span in finished(12):
            buffer.put(span)
        buffer.clear()

    assert [under_pressure for under_pressure, _ in buffer.pressure_changes()] == [True, False] * 3


def test_changes_that_nobody_asks_for_are_forgotten() -> None:
    buffer = Buffer(1, 1_000_000)
    for _ in range(100):
        for span in finished(2):
            buffer.put(span)
        buffer.clear()

    assert len(buffer.pressure_changes()) < 20


def test_a_low_mark_above_the_high_one_is_taken_for_the_same() -> None:
    buffer = Buffer(10, 1_000_000, high=0.3, low=0.9)
    for span in finished(5):
        buffer.put(span)
    buffer.take(1, 1)
    assert buffer.under_pressure
    buffer.take(1, 1)

    assert not buffer.under_pressure


def test_a_taker_does_not_wait_for_the_lock_and_a_later_one_ends_the_pressure() -> None:
    buffer = Buffer(2, 1_000_000)
    for span in finished(3):
        buffer.put(span)
    with buffer._put_lock:
        taker = threading.Thread(target=buffer.clear, daemon=True)
        taker.start()
        taker.join(30)
        assert buffer.waiting_spans == 0
        assert buffer.under_pressure
    buffer.take(1, 1)

    assert not buffer.under_pressure


def test_a_forked_child_starts_without_pressure() -> None:
    buffer = Buffer(2, 1_000_000)
    for span in finished(3):
        buffer.put(span)
    buffer.reset()

    assert (buffer.waiting_spans, buffer.utilisation, buffer.under_pressure) == (0, 0.0, False)
    assert buffer.pressure_changes() == []
    assert buffer.put(finished()[0]) is Cause.ACCEPTED


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
