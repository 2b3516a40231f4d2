"""The application of ``bench.soak``: ``python -m bench.soak_app PEER BASE_URL RATE SECONDS FOLDER``. Prints JSON."""

from __future__ import annotations

import itertools
import json
import mmap
import resource
import statistics
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

from bench import workload
from bench.peers import set_up

THREADS = 10
MOST_SPANS = 1_000_000
_TICK_S = 0.01
_ID = struct.Struct(">Q")


class _Ledger(SpanProcessor):
    """Comes after the peer's processor: what it writes down has been through the peer's ``on_end``.

    It writes to mapped memory, which outlives a kill as a file does. A write to a file lets go of the interpreter's
    lock, and ten threads that do so at each span wait for one another longer than they work.
    """

    def __init__(self, path: Path) -> None:
        with path.open("a+b") as file:
            file.truncate(_ID.size * MOST_SPANS)
            self._ids = mmap.mmap(file.fileno(), 0)
        written = len(self._ids[:].rstrip(b"\0"))  # by the process that was killed
        self._places = itertools.count(-(-written // _ID.size) * _ID.size, _ID.size)

    def on_end(self, span: ReadableSpan) -> None:
        assert span.context is not None
        _ID.pack_into(self._ids, next(self._places), span.context.span_id)


def _provider(name: str, base_url: str, folder: str) -> tuple[TracerProvider, Callable[[], object]]:
    if name not in ("best_effort", "at_least_once"):
        peer = set_up(name, base_url)
        return peer.provider, peer.provider.force_flush
    from langfuse_otel import LangfuseSpanExporter, LangfuseSpanProcessor

    exporter = LangfuseSpanExporter(
        public_key="pk-lf-b",
        secret_key="sk-lf-b",
        base_url=base_url,
        delivery=name,
        spool_directory=f"{folder}/spool",
        max_queue_spans=600_000,
        max_queue_bytes=3 * 1024 * 1024 * 1024,
        max_spool_bytes=4 * 1024 * 1024 * 1024,
        retry_max_s=2.0,
        breaker_open_s=2.0,
        shutdown_timeout_s=120.0,
    )
    provider = TracerProvider()
    provider.add_span_processor(LangfuseSpanProcessor(exporter))

    def drain() -> None:
        exporter.force_flush(120_000)
        print(exporter.status(), file=sys.stderr, flush=True)

    return provider, drain


def main() -> None:
    name, base_url, rate, seconds, folder = sys.argv[1:]
    provider, drain = _provider(name, base_url, folder)
    provider.add_span_processor(_Ledger(Path(folder) / "ledger"))
    on_end_ns = _timed(provider)
    tracer = provider.get_tracer("bench")
    for _ in range(50):
        workload.emit(tracer)
    baseline_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    on_end_ns.clear()
    files = _open_files()
    cpu, began = time.process_time(), time.monotonic()
    end = began + float(seconds)
    counts = [0] * THREADS

    def work(number: int) -> None:
        a_tick = float(rate) / THREADS * _TICK_S
        due = 0.0
        while (now := time.monotonic()) < end:
            due = min((now - began) / _TICK_S * a_tick, counts[number] + 100 * a_tick)  # no more than a second behind
            while counts[number] < due:
                workload.emit(tracer)
                counts[number] += 1
            time.sleep(_TICK_S)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    watch = _Watch()
    while any(thread.is_alive() for thread in threads):
        watch.look()
        time.sleep(1.0)
    lasted = time.monotonic() - began
    drain()  # with its threads and files still there
    quantiles = statistics.quantiles(on_end_ns, n=1_000)
    print(
        json.dumps(
            {
                "ended_a_second": sum(counts) / lasted,
                "on_end_us_p50": quantiles[499] / 1_000,
                "on_end_us_p99": quantiles[989] / 1_000,
                "on_end_us_p999": quantiles[998] / 1_000,
                "memory_mib": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - baseline_kib) / 1024,
                "files_more": _open_files() - files,
                **watch.said(),
                "threads": threading.active_count(),
                "cpu_us": (time.process_time() - cpu) / max(1, sum(counts)) * 1e6,
            }
        ),
        flush=True,
    )
    provider.shutdown()


class _Watch:
    """What the process takes, second by second; of its second half, as the first is its warm-up."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, float, int, int]] = []

    def look(self) -> None:
        resident_pages = int(Path("/proc/self/statm").read_text().split()[1])
        mib = resident_pages * resource.getpagesize() / 2**20
        self._seen.append((time.monotonic(), mib, threading.active_count(), _open_files()))

    def said(self) -> dict[str, float]:
        late = self._seen[len(self._seen) // 2 :]
        third = max(1, len(late) // 3)  # of each end the least, as a backlog comes and goes
        (began, before), (ended, after) = (min(part, key=lambda s: s[1])[:2] for part in (late[:third], late[-third:]))
        return {
            "growth_mib_an_hour": (after - before) / max(1.0, ended - began) * 3600,
            "most_threads": max(threads for *_, threads, _ in late),
            "most_files": max(files for *_, files in late),
            "least_files": min(files for *_, files in late),
        }


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _timed(provider: TracerProvider) -> list[int]:
    """Times of the first processor's ``on_end``, one span in eight."""
    first = provider._active_span_processor._span_processors[0]
    on_end, taken, turn = first.on_end, [], [0]

    def timed(span: ReadableSpan) -> None:
        turn[0] += 1
        if turn[0] & 7:
            on_end(span)
            return
        started = time.perf_counter_ns()
        on_end(span)
        taken.append(time.perf_counter_ns() - started)

    first.on_end = timed  # type: ignore[method-assign]
    return taken


if __name__ == "__main__":
    main()
