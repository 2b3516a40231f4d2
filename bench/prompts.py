"""Prompts: what a ``get`` costs, by where the prompt is found, beside Langfuse's SDK in the same process.

Run: ``python -m bench.prompts``; writes ``bench/results/prompts.json`` and the table in ``bench/README.md``. Peers take
turns in many short rounds. The best round is what the code costs; the median also has what the machine did meanwhile.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.readme import write_table
from langfuse_otel.http import HttpClient
from langfuse_otel.prompts import Prompts
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.stores.base import Store
from langfuse_otel.prompts.stores.disk import DiskStore
from langfuse_otel.prompts.stores.redis import RedisStore

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

ROUNDS = int(os.environ.get("BENCH_REPETITIONS", "5")) * 8
GETS, THREADS, GETS_A_THREAD, COLD, STALE, MANY = 2_000, 8, 2_000, 10, 200, 100_000
SLOW_US = 1_000.0
NAME = "support/answer"
KEYS = ("pk-lf-bench", "sk-lf-bench")

Measured = dict[str, dict[str, list[float]]]


class ShiftedClock:
    """The system's, so many seconds ahead."""

    ahead_s = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_s

    def wall(self) -> float:
        return time.time() + self.ahead_s


def main() -> None:
    """Measure all, in turns."""
    from support.valkey_server import Valkey

    with _langfuse() as langfuse, Valkey() as valkey, tempfile.TemporaryDirectory() as folder:
        base_url = langfuse.recv()
        api = PromptApi(HttpClient(base_url, *KEYS))
        stores: list[Store] = [DiskStore(Path(folder) / "cache"), RedisStore(valkey.url)]
        ours, sdk = Prompts(api, ttl_s=3_600.0), _sdk(base_url)
        shared = {store.name: Prompts(api, ttl_s=3_600.0, stores=[store]) for store in stores}

        def our_get() -> object:
            return ours.get(NAME)

        def sdk_get() -> object:
            return sdk.get_prompt(NAME, cache_ttl_seconds=3_600)

        ways: dict[str, dict[str, Callable[[], float]]] = {
            "hit": {
                "ours": lambda: _hit_us(our_get),
                "sdk": lambda: _hit_us(sdk_get),
            },
            "threads": {
                "ours": lambda: _per_s(our_get),
                "sdk": lambda: _per_s(sdk_get),
            },
            "disk": {"ours": lambda: _cold_us(shared["disk"], "disk")},
            "redis": {"ours": lambda: _cold_us(shared["redis"], "redis")},
            "network": {"ours": lambda: _cold_us(ours, "network"), "sdk": lambda: _sdk_cold_us(sdk)},
        }
        measured: Measured = {what: {peer: [] for peer in peers} for what, peers in ways.items()}
        for prompts in (ours, *shared.values()):
            prompts.get(NAME)
        sdk.get_prompt(NAME, cache_ttl_seconds=3_600)
        for turn in range(ROUNDS):
            for what, peers in ways.items():
                for peer, measure in peers.items():
                    measured[what][peer].append(measure())
            print(f"{turn + 1}/{ROUNDS}", end="\r", flush=True)
        slow = _slow(our_get)
        measured["stale"], slow_stale = _stale(api, sdk, langfuse)
        measured["slow"] = {"fresh": [slow], "stale": [slow_stale]}
        for prompts in shared.values():
            prompts.close()
        time.sleep(1.5)  # who listens for news looks once a second whether it still should
    result = {
        what: {peer: _summary(what, values) for peer, values in peers.items()} for what, peers in measured.items()
    }
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "prompts.json").write_text(json.dumps({"summary": result, "rounds": measured}, indent=1))
    write_table("prompts", _table(result))


@contextmanager
def _langfuse() -> Iterator[Connection]:
    """Prompt endpoints in a process of their own, as their work is not ours: sends its URL; takes whether to answer."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    process.start()
    yield here
    here.send("end")
    process.join()


def _serve(connection: Connection) -> None:
    from support.prompt_server import PromptServer

    with PromptServer() as server:
        server.publish(NAME, "Answer {{question}} for {{customer}} briefly." * 20)
        connection.send(server.url)
        while (order := connection.recv()) != "end":
            server.open.set() if order == "answer" else server.open.clear()
            connection.send(order)


def _sdk(base_url: str) -> Any:
    """Langfuse's."""
    from langfuse import Langfuse

    return Langfuse(public_key=KEYS[0], secret_key=KEYS[1], base_url=base_url, tracing_enabled=False)


def _hit_us(get: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(GETS):
        get()
    return (time.perf_counter() - started) / GETS * 1e6


def _per_s(get: Callable[[], object]) -> float:
    """Of all threads together."""
    ready = threading.Barrier(THREADS + 1)

    def read() -> None:
        ready.wait()
        for _ in range(GETS_A_THREAD):
            get()

    threads = [threading.Thread(target=read) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    ready.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    return THREADS * GETS_A_THREAD / (time.perf_counter() - started)


def _cold_us(prompts: Prompts, source: str) -> float:
    """A read that finds the prompt there first; the median of some."""
    timings = []
    for _ in range(COLD):
        prompts._cache.invalidate(lambda key: True)
        started = time.perf_counter()
        detail = prompts.get_detail(NAME)
        timings.append((time.perf_counter() - started) * 1e6)
        assert detail.source == source, detail
    return statistics.median(timings)


def _sdk_cold_us(sdk: Any) -> float:
    timings = []
    for _ in range(COLD):
        sdk.clear_prompt_cache()
        started = time.perf_counter()
        sdk.get_prompt(NAME, cache_ttl_seconds=3_600)
        timings.append((time.perf_counter() - started) * 1e6)
    return statistics.median(timings)


def _slow(get: Callable[[], object]) -> int:
    """Of many gets, how many took over a millisecond of the thread's own CPU time: what the code can help."""
    slow = 0
    for _ in range(MANY):
        started = time.thread_time_ns()
        get()
        slow += time.thread_time_ns() - started > SLOW_US * 1_000
    return slow


def _stale(api: PromptApi, sdk: Any, langfuse: Connection) -> tuple[dict[str, list[float]], int]:
    """Past its time, while the server hangs; and how many of ours were slow."""
    clock = ShiftedClock()
    prompts = Prompts(api, ttl_s=1.0, clock=clock)
    prompts.get(NAME)
    sdk.clear_prompt_cache()
    sdk.get_prompt(NAME, cache_ttl_seconds=1)
    time.sleep(1.1)
    clock.ahead_s = 100.0
    langfuse.send("hang")
    langfuse.recv()
    ours: list[float] = []
    theirs: list[float] = []
    ways: tuple[tuple[list[float], Callable[[], object]], ...] = (
        (ours, lambda: prompts.get(NAME)),
        (theirs, lambda: sdk.get_prompt(NAME, cache_ttl_seconds=1)),
    )
    for _ in range(STALE):
        for timings, get in ways:
            started = time.perf_counter()
            get()
            timings.append((time.perf_counter() - started) * 1e6)
    slow = _slow(lambda: prompts.get(NAME))
    status = prompts.status()
    assert status.stale == STALE + MANY, status
    langfuse.send("answer")
    langfuse.recv()
    return {"ours": ours, "sdk": theirs}, slow


def _summary(what: str, values: list[float]) -> dict[str, float]:
    best = max if what == "threads" else min
    return {"best": best(values), "median": statistics.median(values)}


def _table(result: dict[str, dict[str, dict[str, float]]]) -> str:
    def cell(what: str, peer: str) -> str:
        found = result[what].get(peer)
        if found is None:
            return "–"
        scale, form = (1e-3, ",.0f") if what == "threads" else (1.0, ".2f" if what == "hit" else ",.0f")
        return f"{found['best'] * scale:{form}} ({found['median'] * scale:{form}})"

    rows = {
        "hit": "in memory, one thread, µs",
        "threads": f"in memory, {THREADS} threads, thousand gets/s in all",
        "stale": "in memory and past its time, server hangs, µs",
        "disk": "on the disk, µs",
        "redis": "in Redis (Valkey, unix socket), µs",
        "network": "nowhere: one request to a server on loopback, µs",
    }
    lines = [
        f"Python {platform.python_version()}, {os.cpu_count()} cores, langfuse {version('langfuse')}; best (median) of "
        f"{ROUNDS} rounds in turns.",
        "",
        "| the prompt is | langfuse-otel | Langfuse SDK | ratio of the best |",
        "|---|---|---|---|",
    ]
    for what, title in rows.items():
        ours, theirs = result[what]["ours"], result[what].get("sdk")
        ratio = "–" if theirs is None else f"{theirs['best'] / ours['best']:.2f}"
        if what == "threads" and theirs is not None:
            ratio = f"{ours['best'] / theirs['best']:.2f}"
        lines.append(f"| {title} | {cell(what, 'ours')} | {cell(what, 'sdk')} | {ratio} |")
    fresh, stale = (result["slow"][age]["best"] for age in ("fresh", "stale"))
    many = f"{MANY:,} gets of what is in memory, {fresh:.0f} took over 1 ms of the thread's CPU time"
    lines += ["", f"Of {many}; of as many past its time, {stale:.0f}."]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
