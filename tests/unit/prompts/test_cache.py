"""The memory tier: bounded, jittered, scoped, and never put back by an answer from before an invalidation."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.errors import NotFoundError, RateLimitedError, ServerError
from langfuse_otel.prompts.cache import FAILURE_PAUSE_S, Entry, Key, MemoryCache, key_of
from langfuse_otel.prompts.models import Selector, TextPrompt
from langfuse_otel.prompts.record import FailureNote, Record
from support.clock import FakeClock
from support.held_lock import held_by_another_thread

DOWN = ServerError("down", status=503)
GONE = NotFoundError("gone", status=404)


def key(name: str) -> Key:
    return key_of("here", Selector(name))


def prompt(name: str = "p", text: str = "x", version: int = 1) -> TextPrompt:
    return TextPrompt(name=name, version=version, prompt=text)


@pytest.fixture
def cache(clock: FakeClock) -> MemoryCache:
    return MemoryCache(ttl_s=60.0, max_items=3, clock=clock, random=lambda: 0.0)


def store(cache: MemoryCache, it: TextPrompt, asked_at: float | None = None) -> Entry:
    """Read and stored, just now unless said otherwise."""
    at = key(it.name)
    asked_at = cache._clock.wall() if asked_at is None else asked_at
    return cache.put(at, Record(it, asked_at), cache.begin(at))


def put(cache: MemoryCache, *names: str) -> None:
    for name in names:
        store(cache, prompt(name))


def fail(cache: MemoryCache, name: str, error: Exception) -> None:
    cache.fail(key(name), error, cache.begin(key(name)))


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
            store(cache, prompt(f"{number}", "x" * 9_000))
            assert cache.size_bytes <= 50_000
        assert 2 <= len(cache.entries) <= 5

    def test_one_prompt_over_the_limit_is_kept_alone(self, clock: FakeClock) -> None:
        cache = MemoryCache(max_bytes=50_000, clock=clock)
        put(cache, "small")
        store(cache, prompt("large", "x" * 100_000))
        assert names(cache) == {"large"}

    def test_failures_are_bounded_too(self, cache: MemoryCache) -> None:
        for number in range(10):
            fail(cache, f"{number}", DOWN)
        assert [number for number in range(10) if cache.failure(key(f"{number}"))] == [7, 8, 9]

    @given(
        st.lists(st.tuples(st.sampled_from(["put", "get", "gone", "forget"]), st.integers(0, 9), st.integers(0, 5_000)))
    )
    def test_the_account_of_bytes_is_right_after_any_history(self, steps: list[tuple[str, int, int]]) -> None:
        cache = MemoryCache(max_items=5, max_bytes=12_000)
        for step, number, size in steps:
            at = key(f"{number}")
            if step == "put":
                store(cache, prompt(f"{number}", "x" * size))
            elif step == "get":
                cache.get(at)
            elif step == "gone":
                fail(cache, f"{number}", GONE)
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
        fail(cache, "p", DOWN)
        entry = cache.get(key("p"))
        assert entry is not None
        assert entry.expires_at == entry.retry_at == clock.monotonic() + FAILURE_PAUSE_S
        assert cache.is_failing(key("p"))
        assert cache.failure(key("p")) is None

    def test_a_failed_renewal_never_shortens_a_life(self, cache: MemoryCache) -> None:
        put(cache, "p")
        before = cache.entries[key("p")].expires_at
        fail(cache, "p", DOWN)
        assert cache.entries[key("p")].expires_at == before

    def test_a_prompt_that_is_gone_is_evicted(self, cache: MemoryCache) -> None:
        put(cache, "p")
        fail(cache, "p", GONE)
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
        fail(cache, "p", error)
        failure = cache.failure(key("p"))
        assert failure is not None
        assert failure.retry_at == clock.monotonic() + pause_s

    def test_a_record_brings_the_age_that_it_has(self, cache: MemoryCache, clock: FakeClock) -> None:
        entry = store(cache, prompt(), asked_at=clock.wall() - 50.0)
        assert entry.fetched_at == clock.monotonic() - 50.0
        assert entry.expires_at == clock.monotonic() + 10.0

    @pytest.mark.parametrize("ahead_s", [1.0, 1e6])
    def test_a_record_from_the_future_is_new(self, cache: MemoryCache, clock: FakeClock, ahead_s: float) -> None:
        """The clock of another host is ahead, or ours jumped back: the prompt must not stay longer for it."""
        entry = store(cache, prompt(), asked_at=clock.wall() + ahead_s)
        assert entry.expires_at == clock.monotonic() + 60.0

    def test_a_record_that_others_failed_to_renew_is_left_alone_as_long_as_they_do(
        self, cache: MemoryCache, clock: FakeClock
    ) -> None:
        note = FailureNote.of(DOWN, clock.wall() + 4.0)
        entry = cache.put(key("p"), Record(prompt(), clock.wall() - 100.0, note), cache.begin(key("p")))
        assert entry.expires_at == entry.retry_at == clock.monotonic() + 4.0
        assert cache.is_failing(key("p"))

    def test_a_success_forgets_the_failure(self, cache: MemoryCache) -> None:
        fail(cache, "p", DOWN)
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

    @pytest.mark.parametrize("how", ["invalidate", "expire"])
    def test_an_answer_from_before_is_not_stored(self, cache: MemoryCache, how: str) -> None:
        early, failing = cache.begin(key("p")), cache.begin(key("q"))
        getattr(cache, how)(lambda at: True)
        entry = cache.put(key("p"), Record(prompt(), cache._clock.wall()), early)
        cache.fail(key("q"), DOWN, failing)
        assert entry.prompt.version == 1  # who asked before gets it all the same
        assert cache.get(key("p")) is None
        assert cache.failure(key("q")) is None

    def test_an_answer_for_another_prompt_is(self, cache: MemoryCache) -> None:
        read = cache.begin(key("q"))
        cache.invalidate(lambda at: at[1] == "p")
        cache.put(key("q"), Record(prompt("q"), cache._clock.wall()), read)
        assert names(cache) == {"q"}

    def test_of_two_reads_the_one_that_began_last_counts(self, cache: MemoryCache) -> None:
        first, second = cache.begin(key("p")), cache.begin(key("p"))
        cache.put(key("p"), Record(prompt(version=2), cache._clock.wall()), second)
        cache.put(key("p"), Record(prompt(version=1), cache._clock.wall()), first)
        assert cache.entries[key("p")].prompt.version == 2

    def test_what_is_expired_stays_in_service_and_is_due_at_once(self, cache: MemoryCache, clock: FakeClock) -> None:
        put(cache, "p", "p2")
        stale = cache.expire(lambda at: at[1] == "p")
        assert [at[1] for at in stale] == ["p"]
        assert cache.entries[key("p")].expires_at == clock.monotonic()
        assert cache.entries[key("p2")].expires_at > clock.monotonic()

    def test_an_older_version_may_come_back(self, cache: MemoryCache) -> None:
        """A rollback moves the label to an older version: the latest answer counts, not the highest number."""
        store(cache, prompt(version=9))
        store(cache, prompt(version=3))
        assert cache.entries[key("p")].prompt.version == 3


class TestByName:
    """The short cut of a ``get`` that gives nothing but a name."""

    STEPS = st.lists(
        st.tuples(
            st.sampled_from(["put", "use", "down", "gone", "invalidate", "expire", "fork"]),
            st.builds(Selector, st.sampled_from("abcd"), label=st.sampled_from(["production", "beta"]))
            | st.builds(Selector, st.sampled_from("abcd"), version=st.just(1)),
        ),
        max_size=30,
    )

    @given(STEPS)
    def test_after_any_history_it_has_the_entries_with_the_default_label_and_no_others(
        self, steps: list[tuple[str, Selector]]
    ) -> None:
        cache = MemoryCache(max_items=4)
        for step, selector in steps:
            at = key_of("here", selector)
            if step == "put":
                cache.put(at, Record(prompt(selector.name), cache._clock.wall()), cache.begin(at))
            elif step == "use":
                cache.get(at)
            elif step in ("down", "gone"):
                cache.fail(at, DOWN if step == "down" else GONE, cache.begin(at))
            elif step == "fork":
                cache.after_fork_child()
            else:
                getattr(cache, step)(lambda other, name=selector.name: other[1] == name)
            labelled = {at[1]: entry for at, entry in cache.entries.items() if at[3] == "production"}
            assert cache.by_name.keys() == labelled.keys()
            assert all(cache.by_name[name] is entry for name, entry in labelled.items())

    def test_a_label_or_a_version_is_not_found_under_the_name(self, cache: MemoryCache) -> None:
        for selector in (Selector("p", version=1), Selector("p", label="beta")):
            at = key_of("here", selector)
            cache.put(at, Record(prompt(), cache._clock.wall()), cache.begin(at))
        assert cache.by_name == {}

    def test_it_is_the_same_dictionary_for_ever(self, cache: MemoryCache) -> None:
        """Who looks up in it keeps its ``get``."""
        look_up = cache.by_name.get
        put(cache, "p")
        cache.invalidate(lambda at: True)
        cache.after_fork_child()
        put(cache, "q")
        assert look_up("p") is None
        assert look_up("q") is cache.entries[key("q")]

    def test_a_change_that_a_fork_cut_in_two_is_made_whole_in_the_child(self, cache: MemoryCache) -> None:
        put(cache, "stored", "dropped")
        del cache.by_name["stored"]
        del cache.entries[key("dropped")]
        cache.after_fork_child()
        assert cache.by_name.keys() == {"stored"}
        assert cache.size_bytes == cache.entries[key("stored")].size_bytes


def test_a_forked_child_can_use_the_cache_though_another_thread_held_its_lock(cache: MemoryCache) -> None:
    put(cache, "p")
    with held_by_another_thread(cache._lock):
        child = os.fork()
        if child == 0:
            put(cache, "q")
            os._exit(0 if names(cache) == {"p", "q"} else 1)
        assert os.waitpid(child, 0)[1] == 0


class TestHits:
    def test_they_are_counted_and_stay_so_when_the_entry_goes(self, cache: MemoryCache) -> None:
        put(cache, "a", "b")
        for _ in range(3):
            cache.get(key("a"))
        assert cache.hits == 3
        put(cache, "c", "d", "e", "f")
        cache.invalidate(lambda at: True)
        assert cache.hits == 3
