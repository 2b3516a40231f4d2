"""How late an event loop is while spans of its own process are delivered: ``python -m bench.loop_lag``.

A task that sleeps for 1 ms again and again notes by how much longer it slept, while another ends 1,000 spans of the
workload a second in groups of 20. Each peer runs in a process of its own; the table in ``bench/README.md`` is written.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.readme import write_table

SECONDS, TICK_S = 20.0, 0.001
SPANS_A_SECOND, GROUP = 1_000, 20
_PEERS = ("none", "otel", "langfuse", "ours", "ours-durable")
_QUANTILES = {"p50": 499, "p99": 989, "p99.9": 998}


def main() -> None:
    """Every peer, one after the other."""
    from bench.peers import TITLES

    lines = [
        f"{SPANS_A_SECOND:,} spans a second from the loop's own thread, for {SECONDS:.0f} s.",
        "",
        "| | late by p50, ms | p99 | p99.9 |",
        "|---|---|---|---|",
    ]
    for peer in _PEERS:
        sink = subprocess.Popen([sys.executable, "-m", "bench.soak_sink"], stdout=subprocess.PIPE, text=True)
        assert sink.stdout is not None
        base_url = f"http://127.0.0.1:{int(sink.stdout.readline())}"
        printed = subprocess.run(
            [sys.executable, "-m", "bench.loop_lag", peer, base_url],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            cwd=Path(__file__).parent.parent,
        ).stdout
        sink.terminate()
        late_ms = json.loads(printed.splitlines()[-1])
        print(peer, late_ms, flush=True)
        lines.append(f"| {TITLES[peer]} | " + " | ".join(f"{late_ms[name]:.2f}" for name in _QUANTILES) + " |")
    write_table("loop-lag", "\n".join(lines))


def measure(name: str, base_url: str) -> dict[str, float]:
    """Milliseconds by quantile."""
    from bench.peers import set_up

    peer = set_up(name, base_url)
    late_s = asyncio.run(_lateness(peer.emit))
    peer.flush()
    quantiles = statistics.quantiles(late_s, n=1_000)
    return {name: quantiles[place] * 1_000 for name, place in _QUANTILES.items()}


async def _lateness(emit: Callable[[], object]) -> list[float]:
    late_s: list[float] = []
    end = time.monotonic() + SECONDS

    async def tick() -> None:
        while (began := time.monotonic()) < end:
            await asyncio.sleep(TICK_S)
            late_s.append(time.monotonic() - began - TICK_S)

    async def work() -> None:
        while time.monotonic() < end:
            for _ in range(GROUP):
                emit()
            await asyncio.sleep(GROUP / SPANS_A_SECOND)

    await asyncio.gather(tick(), work())
    return late_s


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        print(json.dumps(measure(*sys.argv[1:])))
