"""What gives way when the buffer is full, by strategy; each in a real buffer."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable

import pytest
from clock import FakeClock
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Status
from opentelemetry.trace import SpanContext, StatusCode

from langfuse_otel.delivery import pressure
from langfuse_otel.delivery.buffer import Buffer
from langfuse_otel.delivery.pressure import AFTERMATH_S, Block, DropNewest, DropOldest, Sample, strategy
from langfuse_otel.delivery.span_size import SPAN_BYTES
from langfuse_otel.settings import load
from langfuse_otel.tally import Cause
from support.spans import finished, span_id

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


# --- block ------------------------------------------------------------------------------------------------------------


class Blocked:
    """A full buffer whose strategy is to block, and a thread whose span waits for room in it."""

    def __init__(self, timeout_s: float = LONG_S) -> None:
        self.waits = threading.Event()
        self.block = Block(timeout_s, self.waits.set)
        self.buffer = Buffer(2, MB, strategy=self.block)
        for span in finished(2):
            self.buffer.put(span)
        self.causes: list[Cause] = []

    def caller(self) -> threading.Thread:
        thread = in_thread(lambda: self.causes.append(self.buffer.put(finished()[0])))
        assert self.waits.wait(LONG_S)  # whoever takes is woken before
        return thread


def test_a_caller_waits_until_a_batch_is_taken() -> None:
    blocked = Blocked()
    caller = blocked.caller()
    assert blocked.causes == []
    blocked.buffer.take(1, MB)
    caller.join(LONG_S)

    assert blocked.causes == [Cause.ACCEPTED]
    assert blocked.block.waiting == 0


def test_a_caller_waits_no_longer_than_the_limit() -> None:
    blocked = Blocked(timeout_s=0.01)
    blocked.caller().join(LONG_S)

    assert blocked.causes == [Cause.QUEUE_FULL]
    assert blocked.block.waiting == 0


def test_others_put_and_take_while_a_caller_waits() -> None:
    blocked = Blocked()
    caller = blocked.caller()
    assert blocked.buffer._put_lock.acquire(timeout=LONG_S)
    blocked.buffer._put_lock.release()
    assert len(blocked.buffer.take(10, MB)) == 2
    caller.join(LONG_S)


def test_shutdown_ends_every_wait_and_begins_none() -> None:
    blocked = Blocked()
    caller = blocked.caller()
    blocked.buffer.close()
    caller.join(LONG_S)

    assert blocked.causes == [Cause.SHUTDOWN]
    assert blocked.buffer.put(finished()[0]) is Cause.SHUTDOWN


def test_an_event_loop_is_never_blocked() -> None:
    blocked = Blocked()

    async def end_a_span() -> Cause:
        return blocked.buffer.put(finished()[0])

    assert asyncio.run(end_a_span()) is Cause.QUEUE_FULL
    assert not blocked.waits.is_set()


def test_a_thread_that_loaded_asyncio_but_runs_no_loop_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not pressure._in_event_loop()
    monkeypatch.delitem(pressure.sys.modules, "asyncio")
    assert not pressure._in_event_loop()


def test_a_span_that_ends_while_this_thread_is_in_put_does_not_wait() -> None:
    """As from a ``__del__`` or a signal handler: the thread holds the lock that other putters need."""
    full = Blocked()
    causes: list[Cause] = []

    def draw(bits: int) -> int:  # called inside put
        if not causes:
            causes.append(Cause.ACCEPTED)
            causes.append(full.buffer.put(finished()[0]))
        return 0

    full.buffer.take(1, MB)  # so that the outer put draws, and finds room once
    in_thread(lambda: full.buffer.put(finished()[0])).join(LONG_S)
    full.buffer._roomy_spans = full.buffer._roomy_bytes = MB
    full.buffer._draw = draw
    full.waits.clear()
    outer = in_thread(lambda: full.buffer.put(finished()[0]))
    assert full.waits.wait(LONG_S)
    full.buffer.take(10, MB)
    outer.join(LONG_S)

    assert causes[1:] == [Cause.QUEUE_FULL]


def test_a_span_that_ends_while_this_thread_waits_does_not_wait_too() -> None:
    """As from a signal handler."""
    nested: list[Cause] = []

    def interrupt() -> None:
        nested.append(buffer.put(finished()[0]))

    buffer = Buffer(1, MB, strategy=Block(0.01, interrupt))
    buffer.put(finished()[0])

    assert buffer.put(finished()[0]) is Cause.QUEUE_FULL
    assert nested == [Cause.QUEUE_FULL]


def test_the_thread_that_takes_does_not_wait_for_itself() -> None:
    blocked = Blocked()
    blocked.buffer.take(1, MB)
    blocked.buffer.put(finished()[0])

    assert blocked.buffer.put(finished()[0]) is Cause.QUEUE_FULL
    assert not blocked.waits.is_set()


def test_no_one_waits_for_room_that_can_never_be() -> None:
    blocked = Blocked()

    assert blocked.buffer.put(finished(1, input="x" * 2 * MB)[0]) is Cause.QUEUE_FULL
    assert not blocked.waits.is_set()


def test_many_callers_all_find_room_when_it_is_made() -> None:
    buffer = Buffer(5, MB, strategy=Block(LONG_S, lambda: None))
    causes: list[Cause] = []
    taken: list[ReadableSpan] = []
    threads = [in_thread(lambda: causes.extend([buffer.put(span) for span in finished(50)])) for _ in range(8)]
    while any(thread.is_alive() for thread in threads) or buffer.waiting_spans:
        taken.extend(buffer.take(3, MB))

    assert causes == [Cause.ACCEPTED] * 400
    assert len(taken) == 400


def test_a_forked_child_waits_for_nobody() -> None:
    blocked = Blocked()
    caller = blocked.caller()
    callers = blocked.block._waiting
    blocked.buffer.reset()

    assert blocked.block.waiting == 0
    for made_room in callers.values():  # the parent's caller, which this one process must let go
        made_room.set()
    caller.join(LONG_S)


# --- sample -----------------------------------------------------------------------------------------------------------


RESOURCE = Resource({})  # a span that is given none makes one, which takes long


def span_of(trace_id: int, number: int = 1, *, error: bool = False) -> ReadableSpan:
    status = Status(StatusCode.ERROR if error else StatusCode.UNSET)
    context = SpanContext(trace_id, number, is_remote=False)
    return ReadableSpan("span", context, status=status, attributes={}, resource=RESOURCE)


class Sampled:
    """A buffer of a hundred spans of which so many are there."""

    def __init__(self, waiting: int, seed: int = 1) -> None:
        self.clock = FakeClock()
        self.buffer = Buffer(100, 100 * MB, strategy=Sample(self.clock), high=0.3, low=0.2)
        self.rng = random.Random(seed)
        self.fill(waiting)

    def fill(self, waiting: int) -> None:
        while self.buffer.waiting_spans < waiting:
            self.buffer.try_put(span_of(self.rng.getrandbits(128)), SPAN_BYTES)

    def kept_of(self, traces: list[int]) -> list[int]:
        """The traces that are kept at this fill level."""
        waiting = self.buffer.waiting_spans
        kept = []
        for trace in traces:
            if self.buffer.put(span_of(trace)) is Cause.ACCEPTED:
                kept.append(trace)
                self.buffer._waiting.pop()  # the level stays as it is
                self.buffer._put_bytes -= self.buffer._sizes.pop()
        assert self.buffer.waiting_spans == waiting
        return kept


_dice = random.Random(7)
TRACES = [_dice.getrandbits(128) for _ in range(4_000)]


@pytest.mark.parametrize(
    ("waiting", "share"),
    [(29, 1), (30, 1), (39, 1), (41, 1 / 2), (51, 1 / 4), (61, 1 / 8), (71, 1 / 16), (81, 1 / 32), (91, 1 / 64)],
)
def test_the_share_of_traces_that_is_kept_falls_as_the_buffer_fills(waiting: int, share: float) -> None:
    kept = Sampled(waiting).kept_of(TRACES)

    assert len(kept) / len(TRACES) == pytest.approx(share, rel=0.3)


def test_a_trace_that_is_in_a_smaller_share_is_in_each_larger_one() -> None:
    kept = [set(Sampled(waiting).kept_of(TRACES)) for waiting in (41, 51, 61)]

    assert kept[0] > kept[1] > kept[2]


def test_the_choice_does_not_depend_on_that_of_a_sampler_before_ours() -> None:
    hundredth = [trace >> 7 << 64 | (trace & (1 << 64) - 1) // 100 for trace in TRACES]  # as TraceIdRatioBased leaves

    assert len(Sampled(41).kept_of(hundredth)) / len(hundredth) == pytest.approx(0.5, rel=0.1)


def test_a_trace_stays_in_or_out_while_the_share_changes() -> None:
    sampled = Sampled(41)
    kept = sampled.kept_of(TRACES[:500])
    sampled.fill(90)
    assert sampled.kept_of(TRACES[:500]) == kept
    sampled.buffer.take(45, MB)

    assert sampled.kept_of(TRACES[:500]) == kept


def test_errors_are_kept_until_the_buffer_is_truly_full() -> None:
    sampled = Sampled(91)
    out = next(trace for trace in TRACES if sampled.buffer.put(span_of(trace)) is Cause.SAMPLED)

    assert sampled.buffer.put(span_of(out, 2, error=True)) is Cause.ACCEPTED
    sampled.fill(100)
    assert sampled.buffer.put(span_of(out, 3, error=True)) is Cause.QUEUE_FULL


def test_an_error_that_comes_first_keeps_its_trace() -> None:
    sampled = Sampled(91)
    out = [trace for trace in TRACES[:50] if Sampled(91).buffer.put(span_of(trace)) is Cause.SAMPLED][:3]
    for trace in out:
        assert sampled.buffer.put(span_of(trace, 1, error=True)) is Cause.ACCEPTED
        assert sampled.buffer.put(span_of(trace, 2)) is Cause.ACCEPTED


def test_the_share_in_force_goes_with_each_kept_span() -> None:
    sampled = Sampled(51)
    spans = [span_of(trace, number + 1) for number, trace in enumerate(TRACES[:40])]
    kept = [span for span in spans if sampled.buffer.put(span) is Cause.ACCEPTED]
    certain = span_of(1, 99, error=True)
    sampled.buffer.put(certain)
    taken = sampled.buffer.take(1_000, 100 * MB)

    assert certain in taken
    assert sampled.buffer.shares_of(taken) == {span_id(span): 0.25 for span in kept}
    assert sampled.buffer.shares_of(taken) == {}  # handed over once


def test_without_pressure_no_span_has_a_share() -> None:
    sampled = Sampled(0)
    sampled.buffer.put(span_of(5))

    assert sampled.buffer.shares_of(sampled.buffer.take(10, MB)) == {}


def test_a_refused_trace_stays_out_for_a_while_after_the_pressure() -> None:
    sampled = Sampled(91)
    out = next(trace for trace in TRACES if sampled.buffer.put(span_of(trace)) is Cause.SAMPLED)
    sampled.buffer.clear()
    assert not sampled.buffer.under_pressure

    assert sampled.buffer.put(span_of(out)) is Cause.SAMPLED
    assert sampled.kept_of(TRACES[-200:]) == TRACES[-200:]  # and every trace not heard of is in
    sampled.clock.sleep(AFTERMATH_S)
    sampled.buffer.take(1, MB)
    assert sampled.buffer.put(span_of(out)) is Cause.ACCEPTED


def test_pressure_may_come_back_in_that_while() -> None:
    sampled = Sampled(91)
    sampled.buffer.put(span_of(1))
    sampled.buffer.clear()
    sampled.fill(91)

    assert len(sampled.kept_of(TRACES[:1_000])) < 50
    assert sampled.buffer.under_pressure


def test_the_memory_for_decisions_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pressure, "MAX_TRACES", 10)
    sample = Sample()
    buffer = Buffer(10, MB, strategy=sample, high=0.1)
    buffer.try_put(span_of(1), SPAN_BYTES)
    for trace in TRACES[:100]:
        buffer.put(span_of(trace))

    assert len(sample._share_by_trace) == 10


def test_a_share_below_which_nothing_lies_is_never_reached() -> None:
    buffer = Buffer(10, MB, strategy=Sample(), high=1.0)

    assert [buffer.put(span_of(trace)) for trace in TRACES[:12]] == [Cause.ACCEPTED] * 10 + [Cause.QUEUE_FULL] * 2


def test_a_span_without_a_context_is_taken_by_itself() -> None:
    sampled = Sampled(91)

    assert sampled.buffer.put(ReadableSpan("no context")) is Cause.ACCEPTED


def test_a_taker_does_not_wait_for_one_who_decides() -> None:
    sampled = Sampled(91)
    sampled.buffer.put(span_of(1))
    taken: list[int] = []
    with sampled.buffer._strategy._lock:  # type: ignore[attr-defined]
        in_thread(lambda: taken.append(sampled.buffer.clear())).join(LONG_S)

    assert taken


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 40), st.booleans()), max_size=80))
def test_no_trace_of_a_time_of_pressure_is_cut(steps: list[tuple[int, int, bool]]) -> None:
    """Whatever comes when: of each trace all spans are accepted or none, errors and a full buffer aside."""
    sampled = Sampled(35)
    sampled.buffer.put(span_of(sampled.rng.getrandbits(128)))  # pressure begins
    fates: dict[int, set[Cause]] = {}
    for trace, level, take in steps:
        if take:
            sampled.buffer.take(level // 2, 100 * MB)
        else:
            sampled.fill(min(99, sampled.buffer.waiting_spans + level))
        fates.setdefault(trace, set()).add(sampled.buffer.put(span_of(TRACES[trace])))

    for fate in fates.values():
        assert not {Cause.ACCEPTED, Cause.SAMPLED} <= fate


def test_many_threads_decide_alike_about_a_trace() -> None:
    buffer = Buffer(100_000, 10_000 * MB, strategy=Sample(), high=0.001, low=0.0)
    for _ in range(20_000):
        buffer.try_put(span_of(1), SPAN_BYTES)
    fates: list[dict[int, Cause]] = []
    together = threading.Barrier(4)

    def put_all() -> None:
        together.wait(LONG_S)
        fates.append({trace: buffer.put(span_of(trace)) for trace in TRACES[:500]})

    threads = [in_thread(put_all) for _ in range(4)]
    for thread in threads:
        thread.join(LONG_S)

    assert set(fates[0].values()) == {Cause.ACCEPTED, Cause.SAMPLED}
    assert fates[0] == fates[1] == fates[2] == fates[3]


# --- By the setting ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"), [("drop_newest", DropNewest), ("drop_oldest", DropOldest), ("block", Block), ("sample", Sample)]
)
def test_the_setting_names_the_strategy(name: str, kind: type) -> None:
    settings = load({"OTEL_EXPORTER_LANGFUSE_BACKPRESSURE": name})

    assert type(strategy(settings, on_dropped=print, wake=print)) is kind
