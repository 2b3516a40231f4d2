"""What the cache did, in integers."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor

from langfuse_otel.prompts.counters import PromptCounters


def test_threads_lose_no_count() -> None:
    counters = PromptCounters()

    def count(_: int) -> None:
        for _ in range(1_000):
            counters.hit("disk")
            counters.requested(0.5, ok=False)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    assert counters.hits == {"disk": 8_000}
    assert (counters.requests, counters.request_failures, counters.request_s) == (8_000, 8_000, 4_000.0)


def test_requests_are_sorted_by_how_long_they_took_at_most() -> None:
    counters = PromptCounters()
    for took_s in (0.0, 0.05, 0.051, 5.0, 5.1, 1e9):
        counters.requested(took_s, ok=True)
    assert {bound: count for bound, count in counters.request_times.items() if count} == {
        0.05: 2,
        0.1: 1,
        5.0: 1,
        math.inf: 2,
    }


def test_a_forked_child_counts_from_zero_whoever_held_the_lock() -> None:
    counters = PromptCounters()
    counters.miss()
    with counters._lock:
        child = os.fork()
        if child == 0:
            counters.hit("memory")
            os._exit(0 if (counters.misses, counters.hits["memory"]) == (0, 1) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert counters.misses == 1
