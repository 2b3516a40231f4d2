"""Run every peer, in turns, several times; write ``bench/results/*.json`` and the tables in ``bench/README.md``."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import urllib.request
from importlib.metadata import version
from pathlib import Path

from bench import mapping, stages
from bench.peers import PEERS, TITLES
from bench.readme import write_table

HERE = Path(__file__).parent
REPETITIONS = int(os.environ.get("BENCH_REPETITIONS", "5"))


def main() -> None:
    """In turns (A B C A B C), so that a noisy minute hits all of them."""
    sink = subprocess.Popen([sys.executable, "-m", "bench.sink"], stdout=subprocess.PIPE, text=True, cwd=HERE.parent)
    try:
        assert sink.stdout is not None
        base_url = f"http://127.0.0.1:{int(sink.stdout.readline())}"
        runs: dict[str, list[dict[str, float]]] = {peer: [] for peer in PEERS}
        bursts: dict[str, list[dict[str, float]]] = {peer: [] for peer in PEERS}
        for turn in range(REPETITIONS):
            for peer in PEERS:
                for module, into in (("bench.one", runs), ("bench.burst", bursts)):
                    into[peer].append(_run(module, peer, base_url))
                    print(f"{turn + 1}/{REPETITIONS} {module} {peer}: {into[peer][-1]}", flush=True)
    finally:
        sink.terminate()
        sink.wait()
    (HERE / "results").mkdir(exist_ok=True)
    for name, results, table in (("spans", runs, _table), ("burst", bursts, _burst_table)):
        medians = _medians(results)
        (HERE / "results" / f"{name}.json").write_text(json.dumps({"medians": medians, "runs": results}, indent=1))
        write_table(name, table(medians))
    mapping.main()
    stages.main()
    subprocess.run([sys.executable, "-m", "bench.prompts"], check=True, cwd=HERE.parent)  # without what is loaded here


def _medians(runs: dict[str, list[dict[str, float]]]) -> dict[str, dict[str, float]]:
    return {
        peer: {key: statistics.median(run[key] for run in results) for key in results[0]}
        for peer, results in runs.items()
    }


def _run(module: str, peer: str, base_url: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", module, peer, base_url], check=True, capture_output=True, text=True, cwd=HERE.parent
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    with urllib.request.urlopen(f"{base_url}/stats") as answer:
        stats = json.load(answer)
    result["delivered"] = stats["spans"]
    result["wire_bytes"] = stats["wire"] / max(1, stats["spans"])
    return result


def _table(medians: dict[str, dict[str, float]]) -> str:
    bare = medians["none"]
    names = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http", "langfuse")
    lines = [
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {', '.join(f'{n} {version(n)}' for n in names)}; "
        f"medians of {REPETITIONS} turns.",
        "",
        "| | span µs p50 (p99) | `on_end` µs p50 (p99) | CPU µs a span | CPU added | delivered | wire bytes a span |",
        "|---|---|---|---|---|---|---|",
    ]
    for peer, m in medians.items():
        delivered = "–" if peer == "none" else f"{m['delivered']:.0f} of {m['created']:.0f}"
        lines.append(
            f"| {TITLES[peer]} | {m['span_us_p50']:.1f} ({m['span_us_p99']:.1f}) | {m['on_end_us_p50']:.1f} "
            f"({m['on_end_us_p99']:.1f}) | {m['cpu_us']:.0f} | {m['cpu_us'] - bare['cpu_us']:.0f} | {delivered} | "
            f"{m['wire_bytes']:.0f} |"
        )
    return "\n".join(lines)


def _burst_table(medians: dict[str, dict[str, float]]) -> str:
    lines = ["| | spans a second | CPU µs a span | memory over baseline | delivered |", "|---|---|---|---|---|"]
    for peer, m in medians.items():
        delivered = "–" if peer == "none" else f"{m['delivered']:.0f} of {m['created']:.0f}"
        lines.append(
            f"| {TITLES[peer]} | {m['spans_a_second']:,.0f} | {m['cpu_us']:.0f} | {m['memory_mib']:.0f} MiB | "
            f"{delivered} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
