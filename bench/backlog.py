"""A spool with many spans that a dead process left: how soon is the next one ready, and what does sending them take?

``python -m bench.backlog --rows 500000``. Rows are spans with 600 bytes of input, put as fast as it goes by a process
that is killed then. The next one ends 20 spans a second of its own meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
_ID = "f" * 16


def fill(base_url: str, folder: str, rows: int) -> None:
    """The process that dies."""
    from opentelemetry.sdk.resources import Resource

    from langfuse_otel.delivery.assembly import spool_project
    from langfuse_otel.delivery.spool.codec import to_bytes
    from langfuse_otel.delivery.spool.spool import Spool
    from langfuse_otel.observation import Observation
    from langfuse_otel.settings import load

    settings = load({}, public_key="pk-lf-b", secret_key="sk-lf-b", base_url=base_url)
    spool = Spool(
        Path(folder) / "spool",
        spool_project(settings),
        max_bytes=8 << 30,
        max_age_s=86_400.0,
        when_full="refuse_newest",
        fsync="off",
        on_lost=lambda why, rows: sys.exit(f"lost {rows}: {why}"),
    )
    now = time.time_ns()
    observation = Observation(
        trace_id="a" * 32, span_id=_ID, name="s", start_ns=now, end_ns=now, input="x" * 600, resource=Resource({})
    )
    body = to_bytes(observation)
    with (Path(folder) / "ledger").open("wb") as ledger:
        for row in range(1, rows + 1):
            spool.put(body.replace(_ID.encode(), b"%016x" % row))
            ledger.write(row.to_bytes(8, "big"))
    os._exit(0)


def drain(base_url: str, folder: str, rows: int) -> None:
    """The next process. Prints JSON."""
    started = time.monotonic()
    from langfuse_otel import LangfuseSpanExporter, LangfuseSpanProcessor

    imported = time.monotonic()
    baseline_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    exporter = LangfuseSpanExporter(
        public_key="pk-lf-b",
        secret_key="sk-lf-b",
        base_url=base_url,
        delivery="at_least_once",
        spool_directory=f"{folder}/spool",
        max_spool_bytes=8 << 30,
    )
    ready = time.monotonic()
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider()
    provider.add_span_processor(LangfuseSpanProcessor(exporter))
    tracer = provider.get_tracer("bench")
    first = exporter.status()
    waits_s: list[float] = []
    while True:
        before = time.monotonic()
        tracer.start_span("new", attributes={"langfuse.observation.input": "x" * 600}).end()
        if len(waits_s) < 10:
            exporter.force_flush(60_000)  # waits for the new ones, not for the backlog
            waits_s.append(time.monotonic() - before)
        time.sleep(0.05)
        delivered = exporter.status().counts.get("delivered", 0)
        if delivered >= rows:
            break
    print(
        json.dumps(
            {
                "import_s": imported - started,
                "ready_ms": (ready - imported) * 1_000,
                "drained_s": time.monotonic() - ready,
                "spans_a_second": delivered / (time.monotonic() - ready),
                "new_span_delivered_ms": [round(wait * 1_000) for wait in waits_s],
                "memory_mib": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - baseline_kib) / 1024,
                "spooled_at_first": first.spooled_spans,
                "counts": exporter.status().counts,
            }
        ),
        flush=True,
    )
    provider.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--part", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        part, base_url, folder = options.part
        {"fill": fill, "drain": drain}[part](base_url, folder, options.rows)
        return
    command = [sys.executable, "-m", "bench.backlog", "--rows", str(options.rows), "--part"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-m", "bench.soak_sink"], stdout=subprocess.PIPE, text=True, cwd=HERE.parent
        ) as sink,
    ):
        assert sink.stdout is not None
        base_url = f"http://127.0.0.1:{int(sink.stdout.readline())}"
        began = time.monotonic()
        subprocess.run([*command, "fill", base_url, folder], check=True, cwd=HERE.parent)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.db*"))
        print(f"{options.rows:,} rows, {size / 2**20:.0f} MiB, put in {time.monotonic() - began:.0f} s", flush=True)
        done = subprocess.run(
            [*command, "drain", base_url, folder], check=True, capture_output=True, text=True, cwd=HERE.parent
        )
        print(done.stdout.splitlines()[-1])
        with urllib.request.urlopen(f"{base_url}/compare?{folder}/ledger", timeout=600) as answer:
            print(answer.read().decode())
        left = [path.name for path in Path(folder).rglob("*.db")]
        print(f"files left: {len(left)}")
        sink.terminate()


if __name__ == "__main__":
    main()
