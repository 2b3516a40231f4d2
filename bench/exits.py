"""Short programs: one span in 50 ms of life. Are all delivered, and how much longer does the exit take?

``python -m bench.exits --runs 500`` runs a program with the SDK alone and one with our exporter in turns, and takes the
time from each one's last line until its exit hooks are through, and until the system has ended it: in between, the
interpreter takes apart all modules that were imported.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent

PROGRAM = """
import atexit, os, sys, time
atexit.register(lambda: os.write(1, b" %d" % time.monotonic_ns()))  # the last of all hooks
from opentelemetry.sdk.trace import TracerProvider
provider = TracerProvider()
if sys.argv[1] != "none":
    from langfuse_otel import LangfuseSpanExporter, LangfuseSpanProcessor
    exporter = LangfuseSpanExporter(public_key="pk-lf-b", secret_key="sk-lf-b", base_url=sys.argv[1])
    provider.add_span_processor(LangfuseSpanProcessor(exporter))
began = time.monotonic()
provider.get_tracer("bench").start_span("short", attributes={"langfuse.observation.input": "x" * 1_000}).end()
time.sleep(max(0.0, began + 0.05 - time.monotonic()))
os.write(1, b"%d" % time.monotonic_ns())
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    runs = parser.parse_args().runs
    sink = subprocess.Popen([sys.executable, "-m", "bench.sink"], stdout=subprocess.PIPE, text=True, cwd=HERE.parent)
    try:
        assert sink.stdout is not None
        base_url = f"http://127.0.0.1:{int(sink.stdout.readline())}"
        took: dict[str, list[tuple[float, float]]] = {"none": [], base_url: []}
        for _ in range(runs):
            for url, times in took.items():
                times.append(_exit_ms(url))
        with urllib.request.urlopen(f"{base_url}/stats") as answer:
            delivered = json.load(answer)["spans"]
    finally:
        sink.terminate()
        sink.wait()
    print(f"delivered {delivered} of {runs}")
    for part, what in enumerate(("exit hooks", "whole exit")):
        bare, ours = (statistics.quantiles([each[part] for each in times], n=100) for times in took.values())
        for percent in (50, 95, 99):
            less, more = bare[percent - 1], ours[percent - 1]
            print(f"{what} p{percent}: SDK alone {less:.1f} ms, ours {more:.1f} ms, added {more - less:.1f} ms")


def _exit_ms(url: str) -> tuple[float, float]:
    done = subprocess.Popen([sys.executable, "-c", PROGRAM, url], stdout=subprocess.PIPE, cwd=HERE.parent)
    done.wait()
    ended = time.monotonic_ns()
    assert done.stdout is not None
    with done.stdout:
        began, hooks_ended = map(int, done.stdout.read().split())
    return (hooks_ended - began) / 1e6, (ended - began) / 1e6


if __name__ == "__main__":
    main()
