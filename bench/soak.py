"""Load for a minute, with an outage in the middle: is everything delivered, and what does it take?

``python -m bench.soak --rows 6 7 --seconds 600`` is a longer one, with the sink up and down in turns.

``python -m bench.soak`` runs the rows below one after the other and writes ``bench/results/soak.json`` and the table in
``bench/README.md``. Each row is an application in a process of its own (``bench.soak_app``): ten threads that end spans
of the workload at a given rate and write each id to a ledger as soon as ``on_end`` has returned. The sink (another
process) answers 503 for ten seconds. Then the ids of the ledger are looked for among those that arrived.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from bench.readme import write_table

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Row:
    """One run."""

    title: str
    peer: str
    rate: int
    """Spans a second."""
    kill: bool = False
    """Whether the application is killed in the outage and started again."""
    flaps: bool = False
    """Whether the sink is down for 20 s of every 40 s, each time in another way."""


ROWS = (
    Row("langfuse-otel", "best_effort", 10_000),
    Row("the same", "best_effort", 5_000),
    Row("at least once", "at_least_once", 5_000),
    Row("at least once, `kill -9` and restart in the outage", "at_least_once", 5_000, kill=True),
    Row("BatchSpanProcessor + OTLP/HTTP", "otel", 5_000),
    Row("Langfuse SDK", "langfuse", 5_000),
    Row("langfuse-otel", "best_effort", 200, flaps=True),
    Row("at least once", "at_least_once", 200, flaps=True),
)
_FLAP_S = 20.0
_WAYS_DOWN = ("503", "500", "429", "401", "hang", "reset")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    minute = [number for number, row in enumerate(ROWS) if not row.flaps]
    parser.add_argument("--rows", type=int, nargs="*", default=minute, help="which of the rows, from 0")
    options = parser.parse_args()
    (HERE / "results").mkdir(exist_ok=True)
    for name, flaps in (("soak", False), ("flapping", True)):
        rows = [ROWS[row] for row in options.rows if ROWS[row].flaps == flaps]
        if rows:
            results = [_run(row, options.seconds) for row in rows]
            (HERE / "results" / f"{name}.json").write_text(json.dumps(results, indent=1))
            write_table(name, (_flapping_table if flaps else _table)(results, options.seconds))


def _run(row: Row, seconds: int) -> dict[str, float | str]:
    down, up = seconds / 3, seconds / 2
    with tempfile.TemporaryDirectory() as folder, _process("bench.soak_sink") as sink:
        assert sink.stdout is not None
        base_url = f"http://127.0.0.1:{int(sink.stdout.readline())}"
        ledger = Path(folder) / "ledger"
        app = _app(row, base_url, seconds, folder)
        began = time.monotonic()
        if row.flaps:
            _flap(base_url, began, seconds)
        else:
            _sleep_until(began + down)
            _get(f"{base_url}/down")
            if row.kill:
                _sleep_until(began + (down + up) / 2)
                app.send_signal(signal.SIGKILL)
                app.wait()
                app = _app(row, base_url, seconds - int((down + up) / 2), folder)
            _sleep_until(began + up)
            _get(f"{base_url}/up")
        printed, _ = app.communicate()
        result: dict[str, float | str] = {"title": row.title, "rate": row.rate, **json.loads(printed.splitlines()[-1])}
        result |= json.loads(_get(f"{base_url}/compare?{ledger}"))
        sink.terminate()
        print(result, flush=True)
        return result


def _flap(base_url: str, began: float, seconds: int) -> None:
    draw = random.Random(1)
    for down in range(1, int(seconds / _FLAP_S) - 1, 2):
        _sleep_until(began + down * _FLAP_S)
        _get(f"{base_url}/down?{draw.choice(_WAYS_DOWN)}")
        _sleep_until(began + (down + 1) * _FLAP_S)
        _get(f"{base_url}/up")


def _process(module: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent)


def _app(row: Row, base_url: str, seconds: int, folder: str) -> subprocess.Popen[str]:
    return _process("bench.soak_app", row.peer, base_url, str(row.rate), str(seconds), folder)


def _sleep_until(instant: float) -> None:
    time.sleep(max(0.0, instant - time.monotonic()))


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=600) as answer:
        text: str = answer.read().decode()
        return text


def _flapping_table(results: list[dict[str, float | str]], seconds: int) -> str:
    lines = [
        f"{os.cpu_count()} cores, {seconds} s, ten threads, the sink down for 20 s of every 40 s.",
        "",
        "| | ended a second | delivered of ended | twice | memory over baseline, and growth | threads | files |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r['title']} | {r['ended_a_second']:,.0f} | {r['delivered']:,} of {r['created']:,} | {r['twice']:,} | "
        f"{r['memory_mib']:.0f} MiB, {r['growth_mib_an_hour']:.1f} MiB an hour | at most {r['most_threads']} | "
        f"{r['least_files']} to {r['most_files']} |"
        for r in results
    ]
    return "\n".join(lines)


def _table(results: list[dict[str, float | str]], seconds: int) -> str:
    lines = [
        f"{os.cpu_count()} cores, {seconds} s, ten threads, the sink down from {seconds // 3} s to {seconds // 2} s.",
        "",
        "| | asked a second | ended a second | delivered of ended | twice | `on_end` µs p50 (p99, p99.9) | memory over "
        "baseline | CPU µs a span | files more, threads at the end |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        share = 100 * float(r["delivered"]) / float(r["created"])
        lines.append(
            f"| {r['title']} | {r['rate']:,} | {r['ended_a_second']:,.0f} | {r['delivered']:,} of {r['created']:,} "
            f"({share:.1f} %) | {r['twice']:,} | {r['on_end_us_p50']:.1f} ({r['on_end_us_p99']:.0f}, "
            f"{r['on_end_us_p999']:.0f}) | {r['memory_mib']:.0f} MiB | {r['cpu_us']:.0f} | "
            f"{r['files_more']}, {r['threads']} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
