"""Langfuse away for minutes, Redis dying in the middle, a disk that is full: the application does not notice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from langfuse_otel.http import HttpClient
from langfuse_otel.prompts import Prompts
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.stores.disk import DiskStore
from langfuse_otel.prompts.stores.redis import RedisStore
from langfuse_otel.resilience.backoff import Backoff
from langfuse_otel.resilience.breaker import BreakerState
from langfuse_otel.settings import load
from support.clock import FakeClock
from support.loopback import reply
from support.prompt_server import PromptServer
from support.valkey_server import Valkey

PATIENCE_S = 20.0
NAMES = [f"p{number}" for number in range(10)]


@pytest.fixture
def server() -> Iterator[PromptServer]:
    with PromptServer() as running:
        for name in NAMES:
            running.publish(name, "old")
        yield running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def client(server: PromptServer, clock: FakeClock, **options: Any) -> Prompts:
    http = HttpClient(server.url, "pk-lf-1", "sk-lf-1")
    return Prompts(PromptApi(http, backoff=Backoff(initial_s=0.0, max_s=0.0)), clock=clock, **options)


def wait_until_renewed(prompts: Prompts) -> None:
    done = threading.Event()
    prompts._resolver.in_background("a marker", done.set)
    assert done.wait(PATIENCE_S)


def test_langfuse_is_down_for_five_minutes_under_load(server: PromptServer, clock: FakeClock) -> None:
    """500 gets a second of prompts that have expired: all served from memory, and Langfuse hardly asked."""
    prompts = client(server, clock)
    prompts.warm(NAMES)
    before, hits = len(server.reads), prompts.status().hits["memory"]
    clock.sleep(61.0)
    server.trouble = reply(503)
    for turn in range(300 * 10):
        for number in range(50):
            detail = prompts.get_detail(NAMES[number % len(NAMES)])
            assert (detail.source, detail.prompt.version) == ("memory", 1)
        if turn % 10 == 0:
            wait_until_renewed(prompts)
        clock.sleep(0.1)
    status = prompts.status()
    assert status.breaker is not BreakerState.CLOSED
    assert status.hits["memory"] - hits == 300 * 500
    assert len(server.reads) - before <= 5 * 2 + 300 / 30  # until the breaker opens, each with a retry; then probes

    server.trouble = None
    for name in NAMES:
        server.publish(name, "new")
    for _ in range(60):  # one TTL
        clock.sleep(1.0)
        for name in NAMES:
            prompts.get(name)
        wait_until_renewed(prompts)
    assert [prompts.get(name).version for name in NAMES] == [2] * len(NAMES)


def test_a_cold_start_while_langfuse_is_down_is_served_by_the_store(
    server: PromptServer, clock: FakeClock, tmp_path: Path
) -> None:
    """A deploy during an outage: the new processes have what the old ones left."""
    client(server, clock, stores=[DiskStore(tmp_path / "cache", clock=clock)]).warm(NAMES)
    clock.sleep(1_000_000.0)
    server.trouble = reply(503)
    new = client(server, clock, stores=[DiskStore(tmp_path / "cache", clock=clock)])
    details = [new.get_detail(name) for name in NAMES]
    assert {(detail.prompt.version, detail.source) for detail in details} == {(1, "disk")}
    assert details[0].age_s == pytest.approx(1_000_000.0)


@pytest.mark.parametrize("how", ["killed", "stopped", "flushed"])
def test_redis_dies_and_prompts_are_read_all_the_same(server: PromptServer, clock: FakeClock, how: str) -> None:
    with Valkey() as valkey:
        prompts = client(server, clock, stores=[RedisStore(valkey.url)])
        prompts.get(NAMES[0])
        if how == "killed":
            valkey.server.terminate()
        elif how == "stopped":
            os.kill(valkey.pid, signal.SIGSTOP)
        else:
            valkey.client().flushall()
        try:
            for name in NAMES:
                assert prompts.get(name).version == 1
            clock.sleep(61.0)
            server.publish(NAMES[0], "new")
            assert prompts.get(NAMES[0]).version == 1
            wait_until_renewed(prompts)
            assert prompts.get(NAMES[0]).version == 2
            assert prompts.status().store_failures == ({} if how == "flushed" else {"redis": 1})
        finally:
            if how == "stopped":
                os.kill(valkey.pid, signal.SIGCONT)
            prompts.close()


def test_a_directory_that_cannot_be_used_is_said_and_done_without(
    server: PromptServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    keys = {"public_key": "pk-lf-1", "secret_key": "sk-lf-1", "base_url": server.url}
    prompts = Prompts.from_settings(load({}, **keys, prompt_cache_directory=str(shared)))
    assert prompts.get(NAMES[0]).version == 1
    assert prompts.get(NAMES[1]).version == 1
    said = [record.getMessage() for record in caplog.records if record.levelname != "INFO"]
    assert len(said) == 1
    assert "disk store of prompts does not answer" in said[0]
    assert str(shared) in said[0]
    prompts.close()


def test_a_full_disk_costs_the_sharing_and_nothing_else(server: PromptServer, clock: FakeClock, tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "cache", clock=clock)
    prompts = client(server, clock, stores=[store])
    prompts.get(NAMES[0])
    assert store._connection
    store._connection.execute("PRAGMA max_page_count = 1")  # SQLITE_FULL, as on a full disk
    server.versions[NAMES[1]][0]["prompt"] = "x" * 100_000
    for name in NAMES:
        assert prompts.get(name).version == 1
    assert prompts.status().store_failures["disk"] >= 1
    prompts.close()


def test_a_program_ends_at_once_whatever_the_stores_do(tmp_path: Path) -> None:
    program = f"""
import langfuse_otel
prompts = langfuse_otel.prompts(
    public_key="pk", secret_key="sk", base_url="http://127.0.0.1:9", prompt_cache_directory={str(tmp_path / "cache")!r},
    prompt_redis_url="redis://127.0.0.1:9", prompts_to_warm="a,b",
)
assert prompts.get("p", fallback="mine").is_fallback
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=PATIENCE_S).returncode == 0
