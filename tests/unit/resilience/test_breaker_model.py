"""The circuit breaker beside a plain model, from which it never departs."""

from __future__ import annotations

from clock import FakeClock
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from langfuse_otel.resilience.breaker import JITTER, BreakerState, CircuitBreaker

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
OPEN_S = 30.0


class AgainstAPlainModel(RuleBasedStateMachine):
    """Any history of requests, verdicts and time: the breaker is what a dozen lines of bookkeeping say it is."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.told: list[BreakerState] = [CLOSED]
        self.breaker = CircuitBreaker(
            failures=3,
            open_s=OPEN_S,
            successes=2,
            clock=self.clock,
            on_change=lambda old, new, error: self.told.append(new) if self.told[-1] is old else self.told.clear(),
            rng=lambda: 0.5,
        )
        self.permits: list[int] = []
        self.state, self.failures, self.successes = CLOSED, 0, 0
        self.open_until = 0.0
        self.valid: set[int] = set()  # permits whose verdict counts
        self.probe_ends: float | None = None

    def become(self, state: BreakerState) -> None:
        self.state, self.failures, self.successes, self.probe_ends = state, 0, 0, None
        self.valid.clear()
        if state is OPEN:
            self.open_until = self.clock.now_s + OPEN_S * (1 + JITTER / 2)

    def pass_time(self) -> None:
        if self.state is OPEN and self.clock.now_s >= self.open_until:
            self.become(HALF_OPEN)

    def may_go(self) -> bool:
        self.pass_time()
        if self.state is HALF_OPEN:
            return self.probe_ends is None or self.clock.now_s >= self.probe_ends
        return self.state is CLOSED

    @rule()
    def acquire(self) -> None:
        expected = self.may_go()
        permit = self.breaker.try_acquire()
        assert bool(permit) is expected
        if permit:
            if self.state is HALF_OPEN:
                self.valid.clear()
                self.probe_ends = self.clock.now_s + OPEN_S
            self.valid.add(permit)
            self.permits.append(permit)

    @precondition(lambda self: self.permits)
    @rule(data=st.data(), verdict=st.sampled_from(["succeeded", "failed", "cancelled"]))
    def verdict(self, data: st.DataObject, verdict: str) -> None:
        permit = self.permits.pop(data.draw(st.integers(0, len(self.permits) - 1)))
        self.breaker.failed("down", permit) if verdict == "failed" else getattr(self.breaker, verdict)(permit)
        if permit not in self.valid:
            return
        if self.state is HALF_OPEN:
            self.probe_ends = None
            self.valid.clear()
        if verdict == "failed":
            self.failures += 1
            if self.state is HALF_OPEN or self.failures == 3:
                self.become(OPEN)
        elif verdict == "succeeded":
            self.failures = 0
            self.successes += 1
            if self.state is HALF_OPEN and self.successes == 2:
                self.become(CLOSED)

    @rule(seconds=st.sampled_from([1.0, 10.0, OPEN_S, OPEN_S * (1 + JITTER)]))
    def time_passes(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    @rule()
    def reset(self) -> None:
        self.breaker.reset()
        self.become(CLOSED)

    @rule()
    def probe_now(self) -> None:
        self.breaker.probe_now()
        if self.state is OPEN:
            self.become(HALF_OPEN)

    @invariant()
    def agree(self) -> None:
        free = self.may_go()
        assert self.breaker.state is self.state
        assert (self.breaker.wait_s() == 0) is free
        assert self.told[-1:] == [self.state]  # and each change continued the one before


TestAgainstAPlainModel = AgainstAPlainModel.TestCase
