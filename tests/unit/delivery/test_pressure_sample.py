"""A share of the traces is kept while the buffer fills, where the setting says so: in a real buffer."""

from __future__ import annotations

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
from langfuse_otel.delivery.pressure import AFTERMATH_S, Sample
from langfuse_otel.delivery.span_size import SPAN_BYTES
from langfuse_otel.tally import Cause
from support.spans import span_id

MB = 1_000_000
LONG_S = 30.0  # that a test waits for what comes at once


def in_thread(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


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
