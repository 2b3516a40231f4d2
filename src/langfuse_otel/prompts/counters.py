"""What the prompt cache did, in plain integers that telemetry reads. Counting never waits and never raises."""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from collections import Counter
from typing import Final

from langfuse_otel import fork

REQUEST_BOUNDS_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, math.inf)
"""Of the durations by which requests are counted, from which percentiles can be told."""


class PromptCounters:
    """Counters of one client; every one only rises. After a fork, the child counts from zero.

    Attributes:
        hits: Answers by the tier that had them: ``disk``, ``redis``, ``network``, ``snapshot``, ``fallback``. Those of
            the memory tier are counted on its entries: ``Prompts.status()`` has all.
        misses: Gets for which nothing was in memory.
        stale: Gets that were given a prompt past its time, while it was renewed or could not be.
        refreshes: Renewals in the background that brought an answer.
        refresh_failures: Those that did not; the stale prompt stayed in service.
        requests: Requests to Langfuse for a prompt, a retry not counted again.
        request_failures: Those that brought no prompt; a prompt that does not exist is not among them.
        request_s: Their duration in all, seconds.
        request_times: How many took so long at most, and longer than the bound before, by ``REQUEST_BOUNDS_S``.
        lock_waits: Reads that waited for another process to bring the answer.
        lock_wait_s: How long they waited in all, seconds.
        store_failures: Calls of a shared store that failed, by its name.
    """

    def __init__(self) -> None:
        self.after_fork_child()
        fork.register(self)

    def after_fork_child(self) -> None:
        """From zero, with a lock of the child's own: the inherited one may be held by a thread that is not here."""
        self._lock = threading.RLock()
        self.hits: Counter[str] = Counter()
        self.store_failures: Counter[str] = Counter()
        self.misses = self.stale = self.refreshes = self.refresh_failures = 0
        self.requests = self.request_failures = self.lock_waits = 0
        self.request_s = self.lock_wait_s = 0.0
        self.request_times = dict.fromkeys(REQUEST_BOUNDS_S, 0)

    def hit(self, tier: str) -> None:
        """One answer came from this tier."""
        with self._lock:
            self.hits[tier] += 1

    def miss(self) -> None:
        """Nothing was in memory."""
        with self._lock:
            self.misses += 1

    def served_stale(self) -> None:
        """A prompt past its time was served."""
        with self._lock:
            self.stale += 1

    def refreshed(self, *, ok: bool) -> None:
        """A renewal in the background is over."""
        with self._lock:
            if ok:
                self.refreshes += 1
            else:
                self.refresh_failures += 1

    def requested(self, took_s: float, *, ok: bool) -> None:
        """A request to Langfuse is over."""
        with self._lock:
            self.requests += 1
            self.request_failures += not ok
            self.request_s += took_s
            self.request_times[REQUEST_BOUNDS_S[bisect_left(REQUEST_BOUNDS_S, took_s)]] += 1

    def waited(self, took_s: float) -> None:
        """A read waited for another process."""
        with self._lock:
            self.lock_waits += 1
            self.lock_wait_s += took_s

    def store_failed(self, store: str) -> None:
        """A shared store did not answer."""
        with self._lock:
            self.store_failures[store] += 1
