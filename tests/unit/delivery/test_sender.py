"""The sender: what each outcome does to a batch, to the counters and to the next request's time."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel import log
from langfuse_otel.delivery.buffer import Buffer
from langfuse_otel.delivery.gate import HOLD_S, Gate
from langfuse_otel.delivery.listeners import Listeners
from langfuse_otel.delivery.memory_intake import MemoryIntake
from langfuse_otel.delivery.sender import Sender
from langfuse_otel.delivery.status import State
from langfuse_otel.errors import LangfuseError
from langfuse_otel.observation import Observation
from langfuse_otel.resilience.backoff import Backoff
from langfuse_otel.resilience.breaker import CircuitBreaker
from langfuse_otel.settings import load
from langfuse_otel.tally import Tally
from langfuse_otel.transport.outcome import (
    Accepted,
    Held,
    NotServed,
    Outcome,
    Partial,
    Refused,
    RetryAfter,
    Split,
    WireChanged,
)
from langfuse_otel.wire.encoded import Encoded
from support.clock import FakeClock
from support.spans import finished, span_id, span_ids
from support.transports import ScriptedTransport, observe

SPANS = finished(512)


class Sending:
    """A sender over a scripted transport, in a time that passes only by its pauses."""

    def __init__(self, transport: ScriptedTransport, jitter: float = 1.0, **settings: object) -> None:
        self.transport = transport
        self.clock = FakeClock()
        self.tally = Tally()
        loaded = load({}, **settings)
        self.intake = MemoryIntake(Buffer(10_000, 1_000_000_000), observe, self.tally)
        backoff = Backoff(loaded.retry_initial_s, loaded.retry_max_s, random=lambda: jitter)
        self.gate = Gate(backoff, CircuitBreaker(failures=1_000, clock=self.clock), clock=self.clock)
        self.sender = Sender(
            transport, self.intake, self.gate, self.tally, loaded, Listeners(), wait=self.clock.sleep, clock=self.clock
        )

    def send(self, spans: Sequence[ReadableSpan], within_s: float = math.inf) -> bool:
        end = self.clock.now_s + within_s
        for span in spans:
            self.intake.put(span)
        taken = self.intake.take(10_000, 1_000_000_000)
        self.sender.load(taken.entries if taken else ())
        return self.sender.run(lambda: end)


def sending(*script: Outcome | Exception, **settings: object) -> Sending:
    return Sending(ScriptedTransport(script), **settings)  # type: ignore[arg-type]


def test_an_accepted_batch_is_delivered() -> None:
    it = sending()

    assert it.send(SPANS[:3])
    assert it.transport.batches == [[span_id(span) for span in SPANS[:3]]]
    assert it.tally.snapshot() == {"delivered": 3}
    assert it.gate.state is State.DELIVERING


def test_every_request_is_counted_with_its_payload_by_how_it_ended() -> None:
    it = sending(RetryAfter("HTTP 503"), Accepted())  # an item of this transport has 16 bytes
    it.send(SPANS[:3])

    requests = it.gate.traffic.snapshot()
    assert {outcome: (each.count, each.size_bytes) for outcome, each in requests.items()} == {
        "unavailable": (1, 48),
        "accepted": (1, 48),
    }


def test_the_empty_request_that_vets_a_refusal_is_counted_too() -> None:
    it = sending(Refused("HTTP 400"), Accepted(), Accepted())
    it.send(SPANS[:1])

    requests = it.gate.traffic.snapshot()
    assert (requests["refused"].count, requests["accepted"].count, requests["accepted"].size_bytes) == (1, 1, 0)


def test_a_batch_keeps_to_the_smaller_of_both_limits_in_bytes() -> None:
    it = sending(max_batch_bytes=1_024)  # an item of this transport has 16 bytes
    it.send(SPANS[:128])
    assert [len(batch) for batch in it.transport.batches] == [64, 64]

    it.transport.max_batch_bytes = 160
    it.send(SPANS[:20])
    assert [len(batch) for batch in it.transport.batches[2:]] == [10, 10]


def test_a_failure_for_a_while_is_sent_again_after_a_pause_that_doubles_up_to_a_limit() -> None:
    it = sending(*[RetryAfter("HTTP 503")] * 5, retry_initial_s=1.0, retry_max_s=5.0)

    assert it.send(SPANS[:2])
    assert it.clock.slept_s == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert it.tally.snapshot() == {"delivered": 2, "retried": 5}
    assert it.gate.state is State.DELIVERING


def test_the_pause_after_a_success_begins_anew() -> None:
    it = sending(RetryAfter("x"), RetryAfter("x"), Accepted(), RetryAfter("x"))
    it.send(SPANS[:1])
    it.send(SPANS[:1])

    assert it.clock.slept_s == [1.0, 2.0, 1.0]


@pytest.mark.parametrize(("asked_s", "obeyed_s"), [(3.0, 3.0), (15.0, 15.0), (3_600.0, 300.0), (0.0, 0.0)])
def test_the_servers_retry_after_is_obeyed_up_to_five_minutes(asked_s: float, obeyed_s: float) -> None:
    it = sending(RetryAfter("HTTP 429", asked_s), retry_initial_s=0.5)
    it.send(SPANS[:1])

    (slept,) = it.clock.slept_s
    assert obeyed_s <= slept <= obeyed_s + 0.5


def test_nothing_is_given_up_however_long_the_outage() -> None:
    it = sending(*[RetryAfter("HTTP 503")] * 1_000)

    assert it.send(SPANS[:2])
    assert it.clock.now_s > 10_000
    assert it.transport.accepted == span_ids(SPANS[:2])


def test_a_too_large_request_is_halved_until_each_span_that_fits_is_delivered() -> None:
    too_large = span_id(SPANS[100])
    it = Sending(ScriptedTransport(rule=lambda ids: Split("HTTP 413") if too_large in ids else Accepted()))

    assert it.send(SPANS)
    assert it.transport.accepted == span_ids(SPANS) - {too_large}
    assert it.tally.snapshot() == {"delivered": 511, "refused": 1, "split": 9}
    assert len(it.transport.batches) <= 2 * math.log2(len(SPANS)) + 1


@given(st.integers(0, 511))
def test_one_poison_span_costs_itself_and_at_most_twenty_requests(position: int) -> None:
    poison = span_id(SPANS[position])
    it = Sending(ScriptedTransport(rule=lambda ids: Refused("bad span") if poison in ids else Accepted()))

    assert it.send(SPANS)
    assert it.transport.accepted == span_ids(SPANS) - {poison}
    assert it.tally.snapshot() == {"delivered": 511, "refused": 1, "split": 9}
    assert len(it.transport.batches) <= 20


def test_a_refused_span_is_logged_with_its_name_and_the_servers_reason(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(log, "_minute", log.RateLimit(60.0))
    it = Sending(ScriptedTransport(rule=lambda ids: Refused("HTTP 400: what is this") if ids else Accepted()))
    it.send(SPANS[7:8])

    assert it.tally.snapshot() == {"refused": 1}
    (line,) = [record.getMessage() for record in caplog.records]
    assert "'span 7'" in line
    assert "HTTP 400: what is this" in line


def test_no_span_is_blamed_for_a_400_that_an_empty_request_gets_too() -> None:
    """A proxy that speaks another protocol, or a version that the server does not take."""
    it = Sending(ScriptedTransport(rule=lambda ids: Refused("HTTP 400: plain HTTP sent to HTTPS port")))

    assert not it.send(SPANS, within_s=10.0)
    assert it.transport.batches == [[span_id(span) for span in SPANS], []]
    assert it.gate.state is State.HELD
    assert it.sender.pending_spans == 512
    assert it.tally.snapshot() == {}


@pytest.mark.parametrize("outcome", [Held("HTTP 401: check LANGFUSE_SECRET_KEY"), NotServed("HTTP 404")])
def test_a_wrong_key_or_address_keeps_the_spans_and_asks_once_a_minute(outcome: Held) -> None:
    it = sending(outcome, outcome)

    assert it.send(SPANS[:3])
    assert it.clock.slept_s == [HOLD_S, HOLD_S]
    assert it.tally.snapshot() == {"delivered": 3}
    assert it.gate.last_error == outcome.reason


def test_what_is_wrong_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    it = sending(*[Held("HTTP 401 said once: check LANGFUSE_SECRET_KEY")] * 5)
    with caplog.at_level(logging.ERROR):
        it.send(SPANS[:1])

    lines = [record.getMessage() for record in caplog.records if "said once" in record.getMessage()]
    assert len(lines) == 1
    assert "LANGFUSE_SECRET_KEY" in lines[0]


def test_of_a_partly_taken_batch_only_what_failed_for_a_while_is_sent_again() -> None:
    it = sending(Partial(retry=(1, 3), refused={2: "bad date"}))

    assert it.send(SPANS[:5])
    assert it.transport.batches[1] == [span_id(SPANS[1]), span_id(SPANS[3])]
    assert it.tally.snapshot() == {"delivered": 4, "refused": 1, "retried": 1}


def test_spans_that_a_collector_rejected_without_saying_which_are_counted() -> None:
    it = sending(Partial(refused_unnamed=2, reason="quota"))

    assert it.send(SPANS[:5])
    assert it.tally.snapshot() == {"delivered": 3, "refused": 2}


def test_a_change_of_wire_encodes_all_that_waits_again() -> None:
    it = sending(WireChanged(), max_batch_bytes=1_024)
    encoded: list[str] = []
    encode = it.transport.encode
    it.transport.encode = lambda observation: (encoded.append(observation.span_id), encode(observation))[1]  # type: ignore[method-assign]

    assert it.send(SPANS[:128])  # two batches
    assert len(encoded) == 256
    assert it.tally.snapshot() == {"delivered": 128}


def test_a_span_that_cannot_be_encoded_does_not_keep_the_others() -> None:
    it = sending()
    it.transport.unreadable = {span_id(SPANS[1])}

    assert it.send(SPANS[:3])
    assert it.transport.accepted == {span_id(SPANS[0]), span_id(SPANS[2])}
    assert it.tally.snapshot() == {"delivered": 2, "malformed": 1}


def test_when_memory_runs_out_halves_are_tried() -> None:
    it = sending(MemoryError())

    assert it.send(SPANS[:4])
    assert it.transport.accepted == span_ids(SPANS[:4])
    assert it.tally.snapshot() == {"delivered": 4, "split": 1}


def test_a_deadline_nearer_than_the_next_attempt_ends_at_once_and_keeps_the_spans() -> None:
    it = sending(RetryAfter("HTTP 503", 100.0))

    assert not it.send(SPANS[:3], within_s=5.0)
    assert it.clock.slept_s == []
    assert it.sender.pending_spans == 3


def test_whoever_goes_on_later_does_not_ask_before_the_servers_time() -> None:
    it = sending(RetryAfter("HTTP 503", 100.0))
    it.send(SPANS[:3], within_s=5.0)
    start = it.clock.now_s

    assert it.sender.run(lambda: math.inf)
    assert it.clock.now_s >= start + 100.0
    assert it.transport.accepted == span_ids(SPANS[:3])


def test_a_request_gets_no_more_time_than_the_deadline_leaves() -> None:
    it = sending(timeout_s=5.0)
    it.send(SPANS[:1], within_s=2.0)
    it.send(SPANS[:1])

    assert it.transport.timeouts_s == [2.0, 5.0]


def test_hurry_ends_our_own_pause_but_not_the_servers() -> None:
    ours, theirs = sending(RetryAfter("HTTP 500")), sending(RetryAfter("HTTP 503", 100.0))
    for it in (ours, theirs):
        it.send(SPANS[:1], within_s=0.5)
        it.gate.hurry()

    assert ours.sender.run(lambda: ours.clock.now_s + 0.1)
    assert not theirs.sender.run(lambda: theirs.clock.now_s + 0.1)


def test_an_answer_after_the_end_counts_no_span_twice() -> None:
    it = sending()
    send = it.transport.send

    def abandoned_meanwhile(batch: object, timeout_s: float) -> Outcome:
        assert it.sender.abandon() == 3
        return send(batch, timeout_s)  # type: ignore[arg-type]

    it.transport.send = abandoned_meanwhile  # type: ignore[method-assign,assignment]

    assert not it.send(SPANS[:3])
    assert it.sender.pending_spans == 0
    assert it.tally.snapshot() == {}


def test_a_span_that_alone_is_too_large_is_cut_until_it_fits() -> None:
    class Narrow(ScriptedTransport):
        """Takes 100 bytes a request; a span has 1,000, or what it is cut to."""

        def encode(self, observation: Observation, max_bytes: int | None = None) -> Encoded:
            return Encoded(b"", bytes(max_bytes or 1_000), self.name)

        def send(self, batch: Sequence[Encoded], timeout_s: float) -> Outcome:
            self.sizes = [*getattr(self, "sizes", []), [len(item.body) for item in batch]]
            return Accepted() if sum(self.sizes[-1]) <= 100 else Split("413")

    it = Sending(transport := Narrow())
    it.send(SPANS[:1])

    assert transport.sizes == [[1_000], [500], [250], [125], [62]]
    assert it.tally.snapshot() == {"delivered": 1, "truncated": 1}


def test_every_failed_request_is_told_to_the_application() -> None:
    errors: list[LangfuseError] = []
    it = sending(RetryAfter("HTTP 503"), Refused("HTTP 400"), Accepted(), Refused("HTTP 400"))
    it.sender._listeners = Listeners(on_error=errors.append)
    it.send(SPANS[:1])

    assert [(str(error), error.retryable) for error in errors] == [("HTTP 503", True), ("HTTP 400", False)]


OUTCOMES = st.one_of(
    st.just(Accepted()),
    st.just(RetryAfter("503")),
    st.just(RetryAfter("503", 2.0)),
    st.just(Held("401")),
    st.just(Split("413")),
    st.just(Refused("400")),
    st.just(WireChanged()),
    st.just(ValueError("bug")),
)


@given(st.lists(OUTCOMES, max_size=30), st.integers(0, 20))
def test_whatever_the_server_does_every_span_ends_under_exactly_one_cause(
    script: list[Outcome | Exception], count: int
) -> None:
    it = sending(*script)

    assert it.send(SPANS[:count])
    counts = it.tally.snapshot()
    assert counts.get("delivered", 0) + counts.get("refused", 0) == count
    assert counts.get("delivered", 0) == len(it.transport.accepted)
