"""The gate: who may send when, after what."""

from __future__ import annotations

import math

from langfuse_otel.delivery.gate import HOLD_S, Gate, Pass
from langfuse_otel.delivery.status import State
from langfuse_otel.resilience.backoff import Backoff
from langfuse_otel.resilience.breaker import BreakerState, CircuitBreaker
from langfuse_otel.transport.outcome import Held, RetryAfter
from support.clock import FakeClock

BUSY = RetryAfter("HTTP 503")


class Gated:
    """A gate in a time that passes only by its pauses: backoff 1, 2, 4 … 30 s, breaker after 3 failures for 100 s."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        breaker = CircuitBreaker(failures=3, open_s=100.0, successes=2, clock=self.clock, rng=lambda: 0.0)
        self.gate = Gate(Backoff(1.0, 30.0, random=lambda: 1.0), breaker, self.clock)

    def enter(self, within_s: float = math.inf) -> Pass | None:
        end = self.clock.now_s + within_s
        return self.gate.enter(lambda: end, self.clock.sleep)

    def must_enter(self) -> Pass:
        given = self.enter()
        assert given is not None
        return given

    def fail(self, outcome: RetryAfter = BUSY) -> None:
        self.gate.failed(self.must_enter(), outcome)

    @property
    def is_free(self) -> bool:
        """Whether a request may go now; takes no turn."""
        given = self.enter(within_s=0.001)
        if given is not None:
            self.gate.succeeded(given)
        return given is not None


def test_requests_pass_side_by_side_while_the_server_takes_them() -> None:
    it = Gated()
    passes = [it.must_enter() for _ in range(3)]

    assert it.clock.slept_s == []
    for given in passes:
        it.gate.succeeded(given)


def test_each_failure_in_a_row_makes_the_pause_longer() -> None:
    it = Gated()
    it.fail()
    it.fail()
    it.must_enter()

    assert it.clock.slept_s == [1.0, 2.0]


def test_the_servers_own_pause_wins() -> None:
    it = Gated()
    it.fail(RetryAfter("HTTP 429", 17.0))
    it.must_enter()

    assert it.clock.slept_s == [18.0]  # with up to a second more, to spread a fleet


def test_after_a_failure_one_request_at_a_time_finds_out() -> None:
    it = Gated()
    it.fail()
    probe = it.must_enter()
    assert not it.is_free

    it.gate.succeeded(probe)
    assert it.is_free
    assert it.gate.state is State.DELIVERING


def test_requests_that_fail_together_are_one_failure() -> None:
    it = Gated()
    volley = [it.must_enter() for _ in range(4)]
    for given in volley:
        it.gate.failed(given, BUSY)

    assert it.gate.breaker.state is BreakerState.CLOSED
    it.must_enter()
    assert it.clock.slept_s == [1.0]


def test_the_breaker_opens_after_its_number_of_failures_and_keeps_all_out() -> None:
    it = Gated()
    for _ in range(3):
        it.fail()

    assert it.gate.breaker.state is BreakerState.OPEN
    assert it.enter(within_s=99.0) is None
    it.must_enter()
    assert it.clock.slept_s[-1] == 100.0


def test_an_open_breaker_closes_after_its_number_of_probes_one_at_a_time() -> None:
    it = Gated()
    for _ in range(3):
        it.fail()
    first = it.must_enter()
    it.gate.succeeded(first)
    second = it.must_enter()
    assert it.enter(within_s=1.0) is None
    it.gate.succeeded(second)

    assert it.gate.breaker.state is BreakerState.CLOSED
    assert [it.must_enter() for _ in range(2)]


def test_a_wrong_key_holds_all_for_a_minute_and_says_nothing_about_the_server() -> None:
    it = Gated()
    for _ in range(5):
        it.gate.held(it.must_enter(), Held("HTTP 401"))

    assert it.gate.state is State.HELD
    assert it.gate.last_error == "HTTP 401"
    assert it.gate.breaker.state is BreakerState.CLOSED
    assert it.clock.slept_s == [HOLD_S] * 4


def test_nobody_waits_for_a_turn_that_comes_after_the_deadline() -> None:
    it = Gated()
    it.fail(RetryAfter("HTTP 503", 100.0))

    assert it.enter(within_s=99.0) is None
    assert it.clock.slept_s == []


def test_at_the_end_our_own_caution_is_given_up_and_the_servers_wish_is_not() -> None:
    it = Gated()
    for _ in range(3):
        it.fail()
    it.gate.hurry()
    assert it.enter(within_s=1.0) is not None

    it = Gated()
    it.fail(RetryAfter("HTTP 429", 50.0))
    it.gate.hurry()
    assert it.enter(within_s=1.0) is None


def test_whoever_waits_is_told_when_the_server_takes_requests_again() -> None:
    it = Gated()
    it.fail()
    probe = it.must_enter()
    news: list[str] = []
    it.gate.on_news = lambda: news.append("go on")

    def wait(seconds: float) -> None:
        assert news == []
        it.gate.succeeded(probe)

    assert it.gate.enter(lambda: math.inf, wait) is not None
    assert news == ["go on"]


def test_a_forked_child_starts_afresh() -> None:
    it = Gated()
    it.fail(RetryAfter("HTTP 429", 50.0))
    it.gate.reset()

    assert it.gate.state is State.DELIVERING
    assert it.is_free
