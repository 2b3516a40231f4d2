"""The memory tier: bounded, jittered, scoped, and never put back by an answer from before an invalidation."""

from __future__ import annotations

import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.errors import NotFoundError, RateLimitedError, ServerError
from langfuse_otel.prompts.cache import FAILURE_PAUSE_S, Key, MemoryCache, key_of
from langfuse_otel.prompts.models import Selector, TextPrompt
from support.clock import FakeClock

DOWN = ServerError("down", status=503)
GONE = NotFoundError("gone", status=404)


def key(name: str) -> Key:
    return key_of("here", Selector(name))


def prompt(name: str = "p", text: str = "x", version: int = 1) -> TextPrompt:
    return TextPrompt(name=name, version=version, prompt=text)


@pytest.fixture
def cache(clock: FakeClock) -> MemoryCache:
    return MemoryCache(ttl_s=60.0, max_items=3, clock=clock, random=lambda: 0.0)


def put(cache: MemoryCache, *names: str) -> None:
    for name in names:
        cache.put(key(name), prompt(name), generation=cache.generation)


def names(cache: MemoryCache) -> set[str]:
    return {entry.prompt.name for entry in cache.entries.values()}


class TestBounds:
    def test_the_least_recently_used_goes_first(self, cache: MemoryCache) -> None:
        put(cache, "a", "b", "c")
        cache.get(key("a"))
        put(cache, "d")
        assert names(cache) == {"a", "c", "d"}

    def test_when_all_were_used_the_oldest_goes(self, cache: MemoryCache) -> None:
        put(cache, "a", "b", "c")
        for name in "cba":
            cache.get(key(name))
        put(cache, "d")
        assert names(cache) == {"b", "c", "d"}

    def test_what_is_used_all_the_time_stays_whatever_else_comes(self, cache: MemoryCache) -> None:
        put(cache, "hot")
        for number in range(1_000):
            cache.get(key("hot"))
            put(cache, f"once-{number}")
            assert "hot" in names(cache)
            assert f"once-{number}" in names(cache)

    def test_bytes_are_bounded_as_well(self, clock: FakeClock) -> None:
        cache = MemoryCache(max_items=100, max_bytes=50_000, clock=clock)
        for number in range(100):
            cache.put(key(f"{number}"), prompt(f"{number}", "x" * 9_000), generation=0)
            assert cache.size_bytes <= 50_000
        assert 2 <= len(cache.entries) <= 5

    def test_one_prompt_over_the_limit_is_kept_alone(self, clock: FakeClock) -> None:
        cache = MemoryCache(max_bytes=50_000, clock=clock)
        put(cache, "small")
        cache.put(key("large"), prompt("large", "x" * 100_000), generation=0)
        assert names(cache) == {"large"}

    def test_failures_are_bounded_too(self, cache: MemoryCache) -> None:
        for number in range(10):
            cache.fail(key(f"{number}"), DOWN, generation=0)
        assert [number for number in range(10) if cache.failure(key(f"{number}"))] == [7, 8, 9]

    @given(
        st.lists(st.tuples(st.sampled_from(["put", "get", "gone", "forget"]), st.integers(0, 9), st.integers(0, 5_000)))
    )
    def test_the_account_of_bytes_is_right_after_any_history(self, steps: list[tuple[str, int, int]]) -> None:
        cache = MemoryCache(max_items=5, max_bytes=12_000)
        for step, number, size in steps:
            at = key(f"{number}")
            if step == "put":
                cache.put(at, prompt(f"{number}", "x" * size), generation=cache.generation)
            elif step == "get":
                cache.get(at)
            elif step == "gone":
                cache.fail(at, GONE, generation=cache.generation)
            else:
                cache.invalidate(lambda other, at=at: other == at)  # type: ignore[misc]
            assert cache.size_bytes == sum(entry.size_bytes for entry in cache.entries.values())
            assert len(cache.entries) <= 5
            assert cache.size_bytes <= 12_000 or len(cache.entries) == 1


class TestTime:
    def test_entries_live_for_the_ttl_or_up_to_a_tenth_less(self, clock: FakeClock) -> None:
        for dice, lifetime_s in ((0.0, 60.0), (0.5, 57.0), (1.0, 54.0)):
            cache = MemoryCache(ttl_s=60.0, clock=clock, random=lambda dice=dice: dice)  # type: ignore[misc]
            put(cache, "p")
            assert cache.entries[key("p")].expires_at == pytest.approx(clock.monotonic() + lifetime_s)

    def test_a_failed_renewal_leaves_the_stale_prompt_in_service_for_a_while(
        self, cache: MemoryCache, clock: FakeClock
    ) -> None:
        put(cache, "p")
        clock.sleep(100.0)
        cache.fail(key("p"), DOWN, generation=0)
        entry = cache.get(key("p"))
        assert entry is not None
        assert entry.expires_at == entry.retry_at == clock.monotonic() + FAILURE_PAUSE_S
        assert cache.is_failing(key("p"))
        assert cache.failure(key("p")) is None

    def test_a_failed_renewal_never_shortens_a_life(self, cache: MemoryCache) -> None:
        put(cache, "p")
        before = cache.entries[key("p")].expires_at
        cache.fail(key("p"), DOWN, generation=0)
        assert cache.entries[key("p")].expires_at == before

    def test_a_prompt_that_is_gone_is_evicted(self, cache: MemoryCache) -> None:
        put(cache, "p")
        cache.fail(key("p"), GONE, generation=0)
        assert cache.get(key("p")) is None
        failure = cache.failure(key("p"))
        assert failure is not None
        assert failure.error is GONE

    @pytest.mark.parametrize(("asked_s", "pause_s"), [(None, 5.0), (1.0, 5.0), (20.0, 20.0), (1e9, 60.0)])
    def test_the_server_may_ask_for_a_longer_pause(
        self, cache: MemoryCache, clock: FakeClock, asked_s: float | None, pause_s: float
    ) -> None:
        error = RateLimitedError("slow down", status=429)
        error.retry_after_s = asked_s
        cache.fail(key("p"), error, generation=0)
        failure = cache.failure(key("p"))
        assert failure is not None
        assert failure.retry_at == clock.monotonic() + pause_s

    def test_a_success_forgets_the_failure(self, cache: MemoryCache) -> None:
        cache.fail(key("p"), DOWN, generation=0)
        put(cache, "p")
        assert cache.failure(key("p")) is None
        assert not cache.is_failing(key("p"))


class TestKeys:
    def test_scope_name_version_and_label_never_run_into_each_other(self) -> None:
        keys = [
            key_of("h", Selector("p", version=1)),
            key_of("h", Selector("p", label="1")),
            key_of("h", Selector("p", label="version:1")),
            key_of("h", Selector("p-label:production")),
            key_of("h", Selector("p")),
            key_of("hp", Selector("p")),
            key_of("h", Selector("p2")),
        ]
        assert len(set(keys)) == len(keys)

    some_names = st.sampled_from(["p", "p-version", "p-version:1", "1"])
    by_version = st.builds(Selector, some_names, version=st.integers(1, 3))
    by_label = st.builds(Selector, some_names, label=st.sampled_from(["1", "2", "production"]))
    things = st.tuples(st.sampled_from(["a", "ab"]), by_version | by_label)

    @given(things, things)
    def test_two_keys_are_equal_only_for_the_same_thing(
        self, one: tuple[str, Selector], other: tuple[str, Selector]
    ) -> None:
        assert (key_of(*one) == key_of(*other)) is (one == other)


class TestInvalidation:
    def test_it_is_exact(self, cache: MemoryCache) -> None:
        put(cache, "p", "p2")
        cache.invalidate(lambda at: at[1] == "p")
        assert names(cache) == {"p2"}

    def test_an_answer_from_before_is_not_stored(self, cache: MemoryCache) -> None:
        generation = cache.generation
        cache.invalidate(lambda at: at[1] == "p")
        cache.put(key("p"), prompt(), generation=generation)
        cache.fail(key("p"), DOWN, generation=generation)
        assert cache.get(key("p")) is None
        assert cache.failure(key("p")) is None

    def test_an_older_version_may_come_back(self, cache: MemoryCache) -> None:
        """A rollback moves the label to an older version: the latest answer counts, not the highest number."""
        cache.put(key("p"), prompt(version=9), generation=0)
        cache.put(key("p"), prompt(version=3), generation=0)
        assert cache.entries[key("p")].prompt.version == 3


def test_a_forked_child_can_use_the_cache_though_another_thread_held_its_lock(cache: MemoryCache) -> None:
    put(cache, "p")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with cache._lock:
            held.set()
            done.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(20)
    child = os.fork()
    if child == 0:
        put(cache, "q")
        os._exit(0 if names(cache) == {"p", "q"} else 1)
    assert os.waitpid(child, 0)[1] == 0
    done.set()
    holder.join()
