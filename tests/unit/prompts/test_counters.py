"""What the cache did, in integers."""

from __future__ import annotations

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
