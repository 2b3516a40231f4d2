"""A shared tier: who asks, who waits, and what becomes of an answer; with a store in memory, so that time is ours."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from langfuse_otel.clock import SYSTEM_CLOCK
from langfuse_otel.errors import AuthenticationError, LangfuseError, NotFoundError, ServerError, TimedOutError
from langfuse_otel.prompts.counters import PromptCounters
from langfuse_otel.prompts.models import Selector, TextPrompt
from langfuse_otel.prompts.network import CircuitOpenError, Want, circuit_open
from langfuse_otel.prompts.record import Codec, Record
from langfuse_otel.prompts.stores.base import store_key
from langfuse_otel.prompts.tiers import BusyError, SharedTier
from langfuse_otel.resilience.breaker import BreakerState
from support.clock import FakeClock
from support.memory_store import MemoryStore, World

PATIENCE_S = 20.0
P = Selector("p")
KEY = store_key("here", P)


class Below:
    """Langfuse, as far as a tier sees it.

    Attributes:
        version: Of the prompt that it answers with.
        error: Raised instead, while it is set.
        open: While it is cleared, readers wait for it.
    """

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.version = 1
        self.error: LangfuseError | None = None
        self.open = threading.Event()
        self.open.set()
        self.asked: list[Want] = []
        self.is_asked = threading.Semaphore(0)

    def read(self, selector: Selector, want: Want) -> Record:
        self.asked.append(want)
        version, asked_at = self.version, self._clock.wall()
        self.is_asked.release()
        assert self.open.wait(PATIENCE_S)
        if self.error is not None:
            raise self.error
        return Record(TextPrompt(name=selector.name, version=version, prompt="x" * 100, label=selector.label), asked_at)


@pytest.fixture
def below(clock: FakeClock) -> Below:
    return Below(clock)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def process(below: Below, world: World, clock: FakeClock) -> Callable[..., SharedTier]:
    """Makes the tier of another process."""

    def made(**options: Any) -> SharedTier:
        options = {"counters": PromptCounters(), "codec": Codec(b"secret"), "clock": clock, **options}
        return SharedTier(MemoryStore(world), below, scope="here", **options)

    return made


def want(newer_than: float | None = None, **options: Any) -> Want:
    return Want(SYSTEM_CLOCK.monotonic() + options.pop("deadline_s", PATIENCE_S), newer_than=newer_than, **options)


def version(record: Record) -> int | None:
    return record.prompt.version if record.prompt else None


Process = Callable[..., SharedTier]


class TestReading:
    def test_one_asks_and_the_others_take_what_it_brings(self, process: Process, below: Below) -> None:
        assert version(process().read(P, want())) == 1
        found = process().read(P, want())
        assert (version(found), found.source) == (1, "memory_store")
        assert len(below.asked) == 1

    def test_who_comes_meanwhile_waits_for_it(self, process: Process, below: Below) -> None:
        below.open.clear()
        tiers = [process() for _ in range(5)]
        with ThreadPoolExecutor(5) as pool:
            answers = [pool.submit(tier.read, P, want()) for tier in tiers]
            assert below.is_asked.acquire(timeout=PATIENCE_S)
            below.open.set()
            assert [version(answer.result()) for answer in answers] == [1] * 5
        assert len(below.asked) == 1

    def test_who_does_not_want_to_wait_is_told(self, process: Process, below: Below) -> None:
        below.open.clear()
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(process().read, P, want())
            assert below.is_asked.acquire(timeout=PATIENCE_S)
            with pytest.raises(BusyError):
                process().read(P, want(is_patient=False))
            below.open.set()
            first.result()

    def test_who_waits_gives_up_at_its_deadline(self, process: Process, below: Below, world: World) -> None:
        waiter = process()
        MemoryStore(world).lock(KEY.prompt, owner="dead", expiry_s=PATIENCE_S)
        with pytest.raises(TimedOutError, match="another process is reading prompt 'p'"):
            waiter.read(P, want(deadline_s=0.1))
        assert waiter._counters.lock_waits == 1
        assert below.asked == []

    def test_the_lock_of_a_dead_process_expires(self, process: Process, world: World) -> None:
        MemoryStore(world).lock(KEY.prompt, owner="dead", expiry_s=0.1)
        assert version(process().read(P, want())) == 1

    def test_the_one_that_asks_has_the_lock_until_it_is_done(self, process: Process, below: Below) -> None:
        process(lock_s=1.0).read(P, want())
        assert below.asked[0].deadline < SYSTEM_CLOCK.monotonic() + 1.0

    def test_stale_is_better_than_nothing_whatever_its_age(
        self, process: Process, below: Below, clock: FakeClock
    ) -> None:
        process().read(P, want())
        clock.sleep(1e7)
        below.error = ServerError("down", status=503)
        assert version(process().read(P, want())) == 1


class TestRenewing:
    def test_what_is_newer_than_ones_own_is_taken(self, process: Process, below: Below, clock: FakeClock) -> None:
        first = process().read(P, want())
        clock.sleep(60.0)
        below.version = 2
        assert version(process().read(P, want(newer_than=first.asked_at))) == 2
        assert version(process().read(P, want(newer_than=first.asked_at))) == 2
        assert len(below.asked) == 2

    def test_a_rollback_is_followed(self, process: Process, below: Below, clock: FakeClock) -> None:
        below.version = 9
        first = process().read(P, want())
        clock.sleep(60.0)
        below.version = 3
        process().read(P, want(newer_than=first.asked_at))
        assert version(process().read(P, want())) == 3

    def test_the_others_hear_of_a_new_version_and_not_of_the_same(
        self, process: Process, below: Below, clock: FakeClock
    ) -> None:
        listener, reader = process(), process()
        for number in (1, 1, 2):
            below.version = number
            found = reader.read(P, want(newer_than=clock.wall() - 1.0))
            assert version(found) == number
            clock.sleep(60.0)
        assert listener.store.messages(0.0) == [b'{"scope":"here","name":"p"}']

    def test_an_old_answer_that_comes_last_does_not_win(self, process: Process, below: Below) -> None:
        slow, quick = process(), process()
        below.open.clear()
        with ThreadPoolExecutor(1) as pool:
            early = pool.submit(slow.read, P, want())
            assert below.is_asked.acquire(timeout=PATIENCE_S)
            below.version = 2
            quick.forget("p")
            below.open.set()
            assert version(quick.read(P, want())) == 2
            assert version(early.result()) == 1  # it asked before
        assert version(process().read(P, want())) == 2


class TestFailures:
    @pytest.mark.parametrize("error", [ServerError("down", status=503), TimedOutError("late")])
    def test_nobody_repeats_what_failed_a_moment_ago(
        self, process: Process, below: Below, clock: FakeClock, error: LangfuseError
    ) -> None:
        below.error = error
        for _ in range(5):
            with pytest.raises(type(error), match=error.message):
                process().read(P, want())
        assert len(below.asked) == 1
        below.error = None
        clock.sleep(5.0)
        assert version(process().read(P, want())) == 1

    def test_the_old_copy_stays(self, process: Process, below: Below, clock: FakeClock) -> None:
        first = process().read(P, want())
        clock.sleep(60.0)
        below.error = ServerError("down", status=503)
        with pytest.raises(ServerError):
            process().read(P, want(newer_than=first.asked_at))
        cold = process().read(P, want())
        assert version(cold) == 1
        assert cold.failure is not None

    def test_a_prompt_that_is_gone_is_gone_for_all(self, process: Process, below: Below, clock: FakeClock) -> None:
        first = process().read(P, want())
        clock.sleep(60.0)
        below.error = NotFoundError("gone", status=404)
        for newer_than in (first.asked_at, None, None):
            with pytest.raises(NotFoundError):
                process().read(P, want(newer_than=newer_than))
        assert len(below.asked) == 2

    def test_keys_that_are_refused_are_this_processs_own_affair(self, process: Process, below: Below) -> None:
        below.error = AuthenticationError("no", status=401)
        with pytest.raises(AuthenticationError):
            process().read(P, want())
        below.error = None
        assert version(process().read(P, want())) == 1

    def test_one_whose_breaker_is_open_speaks_for_all_and_all_prompts(
        self, process: Process, below: Below, clock: FakeClock
    ) -> None:
        below.error = circuit_open("503", 20.0)
        with pytest.raises(CircuitOpenError):
            process().read(P, want())
        below.error = None
        with pytest.raises(CircuitOpenError, match="503"):
            process().read(Selector("another"), want())
        assert len(below.asked) == 1
        clock.sleep(20.0)
        assert version(process().read(Selector("another"), want())) == 1


class TestStores:
    def test_junk_is_a_miss_and_removed(
        self, process: Process, below: Below, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.values[KEY] = b"\x80\x04junk"
        with caplog.at_level(logging.WARNING, "langfuse_otel"):
            assert version(process().read(P, want())) == 1
        assert version(process().read(P, want())) == 1
        assert len(below.asked) == 1

    def test_one_that_fails_is_passed_over_at_once_from_then_on(
        self, process: Process, below: Below, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tier, calls = process(), []

        def broken(*arguments: Any, **options: Any) -> Any:
            calls.append(threading.current_thread())
            raise OSError("disk full")

        for method in ("get", "claim", "lock", "put"):
            monkeypatch.setattr(tier.store, method, broken)
        for _ in range(10):
            assert version(tier.read(P, want())) == 1
        assert calls.count(threading.current_thread()) == 1
        assert len(below.asked) == 10
        assert tier._counters.store_failures == {"memory_store": 1}
        tier.close()

    def test_who_waits_for_another_process_waits_on_while_it_is_slow(
        self, process: Process, below: Below, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else each process that is short of CPU for a moment would send its readers to Langfuse."""
        below.open.clear()
        holder, waiter = process(), process()
        is_slow = threading.Event()
        claim = waiter.store.claim

        def late(*arguments: Any, **options: Any) -> Any:
            if waiter_has_seen_the_lock.is_set() and not is_slow.is_set():
                is_slow.set()
                raise TimeoutError
            waiter_has_seen_the_lock.set()
            return claim(*arguments, **options)

        waiter_has_seen_the_lock = threading.Event()
        monkeypatch.setattr(waiter.store, "claim", late)
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(holder.read, P, want())
            assert below.is_asked.acquire(timeout=PATIENCE_S)
            second = pool.submit(waiter.read, P, want())
            assert is_slow.wait(PATIENCE_S)
            below.open.set()
            assert version(first.result()) == version(second.result()) == 1
        assert len(below.asked) == 1

    @pytest.mark.parametrize(("error", "lock_s"), [(TimeoutError(), 0.2), (ConnectionError(), PATIENCE_S)], ids=repr)
    def test_but_not_beyond_the_lock_nor_for_one_that_is_gone(
        self,
        process: Process,
        world: World,
        below: Below,
        monkeypatch: pytest.MonkeyPatch,
        error: Exception,
        lock_s: float,
    ) -> None:
        waiter = process(lock_s=lock_s)
        MemoryStore(world).lock(KEY.prompt, owner="dead", expiry_s=PATIENCE_S)
        answers = iter([False])

        def dying(*arguments: Any, **options: Any) -> Any:
            if (answer := next(answers, None)) is None:
                raise error
            return answer

        monkeypatch.setattr(waiter.store, "claim", dying)
        monkeypatch.setattr(waiter.store, "get", dying)  # nor does it answer those who look whether it is back
        assert version(waiter.read(P, want())) == 1
        assert len(below.asked) == 1
        waiter.close()

    def test_it_is_used_again_when_it_answers(self, process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
        tier = process()
        with monkeypatch.context() as patch:
            patch.setattr(tier.store, "claim", lambda *_, **__: 1 / 0)
            tier.read(P, want())
        for _ in range(200):
            if tier.gate.breaker.state is BreakerState.CLOSED:
                break
            threading.Event().wait(0.05)
        assert tier.read(P, want()).source in ("network", "memory_store")
        assert process().read(P, want()).source == "memory_store"

    def test_one_that_fails_after_the_answer_came_costs_no_second_request(
        self, process: Process, below: Below, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tier = process()
        monkeypatch.setattr(tier.store, "put", lambda *_, **__: 1 / 0)
        assert version(tier.read(P, want())) == 1
        assert len(below.asked) == 1
        tier.close()

    def test_a_prompt_that_is_too_large_for_it_is_read_by_each_without_waiting(
        self, process: Process, below: Below, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(MemoryStore, "max_bytes", 200)
        below.open.clear()
        with ThreadPoolExecutor(3) as pool:
            process_1 = pool.submit(process().read, P, want())
            assert below.is_asked.acquire(timeout=PATIENCE_S)
            below.open.set()
            process_1.result()
            below.open.clear()
            others = [pool.submit(process().read, P, want()) for _ in range(2)]
            for _ in others:
                assert below.is_asked.acquire(timeout=PATIENCE_S)  # both at the same time
            below.open.set()
            assert [version(other.result()) for other in others] == [1, 1]


def test_nested_tiers_fill_each_other(below: Below, clock: FakeClock) -> None:
    host, fleet = World(), World()

    def process_of(host: World) -> SharedTier:
        options: dict[str, Any] = {"counters": PromptCounters(), "codec": Codec(), "clock": clock, "scope": "here"}
        return SharedTier(MemoryStore(host), SharedTier(MemoryStore(fleet), below, **options), **options)

    process_of(host).read(P, want())
    assert KEY in host.values
    assert KEY in fleet.values
    another_host = World()
    assert version(process_of(another_host).read(P, want())) == 1
    assert KEY in another_host.values
    assert len(below.asked) == 1
