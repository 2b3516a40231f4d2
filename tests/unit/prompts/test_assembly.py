"""From settings to stores and tiers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from langfuse_otel.clock import SYSTEM_CLOCK
from langfuse_otel.http import HttpClient
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.assembly import signing_key_of, stores_of, tiers_over
from langfuse_otel.prompts.counters import PromptCounters
from langfuse_otel.prompts.network import Network
from langfuse_otel.resilience.breaker import CircuitBreaker
from langfuse_otel.settings import load
from support.memory_store import MemoryStore

REDIS = {"prompt_redis_url": "redis://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, ["disk"]),
        (REDIS, ["redis"]),
        ({**REDIS, "prompt_cache_directory": "here"}, ["disk", "redis"]),
        ({"prompt_cache_directory": "none"}, []),
        ({**REDIS, "prompt_cache_directory": "none"}, ["redis"]),
    ],
    ids=str,
)
def test_the_stores_that_are_set_the_nearest_first(settings: dict[str, Any], names: list[str]) -> None:
    assert [store.name for store in stores_of(load({}, **settings))] == names


def test_nothing_is_made_before_it_is_needed(tmp_path: Path) -> None:
    stores_of(load({}, prompt_cache_directory=str(tmp_path / "cache"), **REDIS))
    assert list(tmp_path.iterdir()) == []


def test_only_who_has_the_secret_key_has_the_signing_key() -> None:
    keys = {signing_key_of(load({}, secret_key=secret)) for secret in ("sk-lf-1", "sk-lf-1", "sk-lf-2")}
    assert len(keys) == 2
    assert not any(b"sk-lf" in key for key in keys)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_who_waits_for_an_inner_lock_keeps_the_outer_one_and_both_end_before_the_deadline(count: int) -> None:
    counters, api = PromptCounters(), PromptApi(HttpClient("http://127.0.0.1:9", "pk", "sk"))
    tiers = tiers_over(
        Network(api, breaker=CircuitBreaker(), counters=counters),
        [MemoryStore() for _ in range(count)],
        scope="here",
        signing_key=b"key",
        deadline_s=5.0,
        counters=counters,
        clock=SYSTEM_CLOCK,
    )
    expiries = [tier._lock_s for tier in tiers]
    assert expiries == sorted(expiries, reverse=True)
    assert len(set(expiries)) == count
    assert expiries[0] < 5.0
