"""One peer, one measurement, in a fresh process: ``python -m bench.one PEER BASE_URL``. Prints JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from bench.peers import set_up

ROUNDS, SPANS_A_ROUND, WARM_UP = 20, 400, 400  # 400 < any peer's queue, so that nobody drops


def _time_on_end(provider: TracerProvider, into: list[int]) -> None:
    """Time what the processors do in ``on_end``, which is the part that runs on the application's thread."""
    processor = provider._active_span_processor
    on_end = processor.on_end

    def timed(span: ReadableSpan) -> None:
        started = time.perf_counter_ns()
        on_end(span)
        into.append(time.perf_counter_ns() - started)

    processor.on_end = timed  # type: ignore[method-assign]


def measure(name: str, base_url: str) -> dict[str, float]:
    """Emit in bursts, each followed by a flush. CPU is that of the whole process, exporting included."""
    peer = set_up(name, base_url)
    for _ in range(WARM_UP):
        peer.emit()
    peer.flush()

    span_ns: list[int] = []
    cpu = time.process_time()
    for _ in range(ROUNDS):
        for _ in range(SPANS_A_ROUND):
            started = time.perf_counter_ns()
            peer.emit()
            span_ns.append(time.perf_counter_ns() - started)
        peer.flush()
    cpu = time.process_time() - cpu

    on_end_ns: list[int] = []
    _time_on_end(peer.provider, on_end_ns)
    for _ in range(ROUNDS):
        for _ in range(SPANS_A_ROUND):
            peer.emit()
        peer.flush()
    return {
        "span_us_p50": statistics.median(span_ns) / 1_000,
        "span_us_p99": statistics.quantiles(span_ns, n=100)[98] / 1_000,
        "on_end_us_p50": statistics.median(on_end_ns) / 1_000,
        "on_end_us_p99": statistics.quantiles(on_end_ns, n=100)[98] / 1_000,
        "cpu_us": cpu / len(span_ns) * 1e6,
        "created": WARM_UP + 2 * len(span_ns),
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2])))
