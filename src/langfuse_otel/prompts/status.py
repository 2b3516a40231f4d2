"""What the prompt cache did, and the state it is in: for metrics, ``doctor`` and people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from langfuse_otel.prompts.cache import MemoryCache
from langfuse_otel.prompts.counters import REQUEST_BOUNDS_S, PromptCounters
from langfuse_otel.prompts.tiers import SharedTier
from langfuse_otel.resilience.breaker import BreakerState, CircuitBreaker


@dataclass(frozen=True, slots=True)
class PromptsStatus:
    """A snapshot of one client. Counts are since the process began, see ``PromptCounters``.

    Attributes:
        hits: Answers by tier, ``memory`` included.
        misses: Gets for which nothing was in memory.
        stale: Gets that were given a prompt past its time.
        refreshes: Renewals in the background.
        refresh_failures: Those that failed.
        requests: Requests to Langfuse.
        request_failures: Those that failed.
        request_s: Their duration in all, seconds.
        requests_within: How many were over within so many seconds, by ``counters.REQUEST_BOUNDS_S``.
        lock_waits: Reads that waited for another process.
        lock_wait_s: For how long in all, seconds.
        store_failures: Calls of a store that failed, by store.
        breaker: State of the circuit breaker of Langfuse.
        store_breakers: States of the stores', by store.
        items: Prompts in memory.
        bytes: What they take, about.
    """

    hits: Mapping[str, int]
    misses: int
    stale: int
    refreshes: int
    refresh_failures: int
    requests: int
    request_failures: int
    request_s: float
    requests_within: Mapping[float, int]
    lock_waits: int
    lock_wait_s: float
    store_failures: Mapping[str, int]
    breaker: BreakerState
    store_breakers: Mapping[str, BreakerState]
    items: int
    bytes: int

    @classmethod
    def of(
        cls, cache: MemoryCache, counters: PromptCounters, breaker: CircuitBreaker, tiers: Sequence[SharedTier]
    ) -> PromptsStatus:
        """The status now."""
        return cls(
            hits={"memory": cache.hits, **counters.hits},
            misses=counters.misses,
            stale=counters.stale,
            refreshes=counters.refreshes,
            refresh_failures=counters.refresh_failures,
            requests=counters.requests,
            request_failures=counters.request_failures,
            request_s=counters.request_s,
            requests_within=dict(zip(REQUEST_BOUNDS_S, accumulate(counters.request_times.values()), strict=True)),
            lock_waits=counters.lock_waits,
            lock_wait_s=counters.lock_wait_s,
            store_failures=dict(counters.store_failures),
            breaker=breaker.state,
            store_breakers={tier.store.name: tier.gate.breaker.state for tier in tiers},
            items=len(cache.entries),
            bytes=cache.size_bytes,
        )
