"""The circuit breaker: every transition, every verdict in every state, and what it tells."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from clock import FakeClock

from langfuse_otel.resilience.breaker import JITTER, BreakerState, CircuitBreaker

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
OPEN_S = 30.0


@dataclass
class Breaker:
    """A breaker that opens at two failures and closes after two probes, its clock, and what it told."""

    clock: FakeClock = field(default_factory=FakeClock)
    told: list[tuple[BreakerState, BreakerState, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.breaker = CircuitBreaker(
            failures=2,
            open_s=OPEN_S,
            successes=2,
            clock=self.clock,
            on_change=lambda *change: self.told.append(change),
            rng=lambda: 0.0,
        )

    def opened(self) -> Breaker:
        for _ in range(2):
            assert self.breaker.try_acquire()
            self.breaker.failed("down")
        return self

    def half_open(self) -> Breaker:
        self.opened().clock.sleep(OPEN_S)
        return self

    def probing(self, successes: int = 0) -> Breaker:
        self.half_open()
        for _ in range(successes):
            assert self.breaker.try_acquire()
            self.breaker.succeeded()
        assert self.breaker.try_acquire()
        return self


def closed() -> Breaker:
    return Breaker()


def closed_with_a_failure() -> Breaker:
    made = Breaker()
    made.breaker.failed("once")
    return made


def opened() -> Breaker:
    return Breaker().opened()


def half_open() -> Breaker:
    return Breaker().half_open()


def probing() -> Breaker:
    return Breaker().probing()


def probing_again() -> Breaker:
    return Breaker().probing(successes=1)


def succeeded(made: Breaker) -> None:
    made.breaker.succeeded()


def failed(made: Breaker) -> None:
    made.breaker.failed("down again")


def cancelled(made: Breaker) -> None:
    made.breaker.cancelled()


def reset(made: Breaker) -> None:
    made.breaker.reset()


def probe_now(made: Breaker) -> None:
    made.breaker.probe_now()


def almost_its_time(made: Breaker) -> None:
    made.clock.sleep(OPEN_S - 0.001)


def its_time(made: Breaker) -> None:
    made.clock.sleep(OPEN_S)


@pytest.mark.parametrize(
    ("given", "event", "state", "may_go"),
    [
        (closed, succeeded, CLOSED, True),
        (closed, failed, CLOSED, True),
        (closed, cancelled, CLOSED, True),
        (closed, reset, CLOSED, True),
        (closed, probe_now, CLOSED, True),
        (closed, its_time, CLOSED, True),
        (closed_with_a_failure, failed, OPEN, False),
        (closed_with_a_failure, succeeded, CLOSED, True),
        (closed_with_a_failure, cancelled, CLOSED, True),
        (closed_with_a_failure, its_time, CLOSED, True),
        (opened, succeeded, OPEN, False),  # a request that began before: the server answered late
        (opened, failed, OPEN, False),
        (opened, cancelled, OPEN, False),
        (opened, almost_its_time, OPEN, False),
        (opened, its_time, HALF_OPEN, True),
        (opened, probe_now, HALF_OPEN, True),
        (opened, reset, CLOSED, True),
        (half_open, succeeded, HALF_OPEN, True),  # likewise late: no probe is under way
        (half_open, failed, HALF_OPEN, True),
        (half_open, cancelled, HALF_OPEN, True),
        (half_open, reset, CLOSED, True),
        (half_open, probe_now, HALF_OPEN, True),
        (probing, succeeded, HALF_OPEN, True),
        (probing, failed, OPEN, False),
        (probing, cancelled, HALF_OPEN, True),
        (probing, reset, CLOSED, True),
        (probing, probe_now, HALF_OPEN, False),
        (probing, almost_its_time, HALF_OPEN, False),
        (probing, its_time, HALF_OPEN, True),  # nothing was heard of the probe: the next may go
        (probing_again, succeeded, CLOSED, True),
        (probing_again, failed, OPEN, False),
        (probing_again, cancelled, HALF_OPEN, True),
    ],
)
def test_every_event_in_every_state(
    given: Callable[[], Breaker], event: Callable[[Breaker], None], state: BreakerState, may_go: bool
) -> None:
    made = given()
    event(made)

    assert made.breaker.state is state
    assert (made.breaker.wait_s() == 0) is may_go
    assert bool(made.breaker.try_acquire()) is may_go


def test_only_failures_in_a_row_open_it() -> None:
    breaker = closed_with_a_failure().breaker
    breaker.succeeded()
    breaker.failed("once more")

    assert breaker.state is CLOSED


def test_a_failed_probe_undoes_the_successes_before_it() -> None:
    made = probing_again()
    made.breaker.failed("down again")
    made.clock.sleep(OPEN_S)
    made.breaker.try_acquire()
    made.breaker.succeeded()

    assert made.breaker.state is HALF_OPEN


def test_one_probe_goes_at_a_time() -> None:
    breaker = half_open().breaker

    assert breaker.try_acquire()
    assert not breaker.try_acquire()
    breaker.succeeded()
    assert breaker.try_acquire()


def test_the_time_until_a_request_may_go_runs_down() -> None:
    made = opened()
    assert made.breaker.wait_s() == OPEN_S
    made.clock.sleep(10)
    assert made.breaker.wait_s() == OPEN_S - 10
    made.clock.sleep(100)
    assert made.breaker.wait_s() == 0


def test_failures_of_requests_that_began_before_it_opened_do_not_prolong_it() -> None:
    made = Breaker()
    permits = [made.breaker.try_acquire() for _ in range(4)]
    for permit in permits[:2]:
        made.breaker.failed("down", permit)
    made.clock.sleep(10)
    for permit in permits[2:]:
        made.breaker.failed("down, late", permit)

    assert made.breaker.wait_s() == OPEN_S - 10
    assert made.breaker.last_error == "down"


@pytest.mark.parametrize("verdict", ["succeeded", "cancelled", "failed"])
def test_a_permit_tells_a_late_verdict_from_the_probes(verdict: str) -> None:
    made = Breaker()
    late = made.breaker.try_acquire()
    made.opened().breaker.probe_now()
    probe = made.breaker.try_acquire()
    made.breaker.failed("late", late) if verdict == "failed" else getattr(made.breaker, verdict)(late)

    assert not made.breaker.try_acquire()
    made.breaker.succeeded(probe)
    made.breaker.succeeded(probe)  # one verdict a probe
    assert made.breaker.state is HALF_OPEN
    made.breaker.succeeded(made.breaker.try_acquire())
    assert made.breaker.state is CLOSED


def test_the_verdict_of_a_probe_that_was_given_up_counts_for_nothing() -> None:
    made = half_open()
    lost = made.breaker.try_acquire()
    made.clock.sleep(OPEN_S)
    assert made.breaker.try_acquire()
    made.breaker.failed("after a long time", lost)

    assert made.breaker.state is HALF_OPEN


def test_up_to_a_fifth_is_added_to_the_time_for_which_it_is_open() -> None:
    clock = FakeClock()
    dice = random.Random(1)
    breaker = CircuitBreaker(failures=1, open_s=OPEN_S, clock=clock, rng=dice.random)
    waits_s = []
    for _ in range(100):
        breaker.failed("down")
        waits_s.append(breaker.wait_s())
        breaker.reset()

    assert OPEN_S <= min(waits_s) < max(waits_s) <= OPEN_S * (1 + JITTER)
    assert len(set(waits_s)) == 100


def test_it_says_since_when_and_what_the_last_error_was() -> None:
    made = Breaker()
    assert (made.breaker.since, made.breaker.last_error) == (1_000.0, None)
    made.clock.sleep(5)
    made.opened()

    assert (made.breaker.since, made.breaker.last_error) == (1_005.0, "down")


def test_each_change_is_told_once_in_order_with_the_error_that_opened_it() -> None:
    made = probing_again()
    made.breaker.succeeded()
    made.breaker.reset()

    assert made.told == [(CLOSED, OPEN, "down"), (OPEN, HALF_OPEN, None), (HALF_OPEN, CLOSED, None)]


def test_a_callback_that_raises_is_logged_and_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(*change: object) -> None:
        raise RuntimeError("the callback is broken")

    breaker = CircuitBreaker(failures=1, on_change=broken)
    with caplog.at_level(logging.WARNING):
        breaker.failed("down")

    assert breaker.state is OPEN
    assert "the callback is broken" in caplog.text


def test_a_callback_may_use_the_breaker_and_another_thread_may_while_it_runs() -> None:
    seen: list[tuple[BreakerState, BreakerState]] = []

    def callback(old: BreakerState, new: BreakerState, error: str | None) -> None:
        seen.append((old, new))
        if new is OPEN:
            other = threading.Thread(target=breaker.probe_now)
            other.start()
            other.join(10)
            assert not other.is_alive()
            breaker.reset()
            assert len(seen) == 1  # what follows is told after this call

    breaker = CircuitBreaker(failures=1, on_change=callback)
    breaker.failed("down")

    assert seen == [(CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, CLOSED)]


def test_a_forked_child_starts_closed_with_a_lock_of_its_own() -> None:
    made = opened()
    with made.breaker._lock:
        made.breaker.after_fork_child()
        answered: list[int] = []
        other = threading.Thread(target=lambda: answered.append(made.breaker.try_acquire()), daemon=True)
        other.start()
        other.join(10)

    assert len(answered) == 1
    assert answered[0]
    assert (made.breaker.state, made.breaker.last_error) == (CLOSED, None)


def test_many_threads_get_one_probe() -> None:
    breaker = half_open().breaker
    together = threading.Barrier(8)
    permits: list[int] = []

    def ask() -> None:
        together.wait(10)
        permits.append(breaker.try_acquire())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert sum(1 for permit in permits if permit) == 1
