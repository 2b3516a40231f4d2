"""As fast as it goes, with a queue that holds it all: ``python -m bench.burst PEER BASE_URL``. Prints JSON.

How many spans a second are made and delivered, the wait for the last one included, and what that takes in memory.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time

SPANS, WARM_UP = 30_000, 400

# What the stock processor reads, Langfuse's SDK included; before either is imported.
os.environ["OTEL_BSP_MAX_QUEUE_SIZE"] = "100000"


def measure(name: str, base_url: str) -> dict[str, float]:
    """Emit all, then flush."""
    from bench.peers import set_up

    peer = set_up(name, base_url, max_queue_spans=100_000)
    for _ in range(WARM_UP):
        peer.emit()
    peer.flush()
    baseline_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cpu, began = time.process_time(), time.perf_counter()
    for _ in range(SPANS):
        peer.emit()
    peer.flush()
    lasted = time.perf_counter() - began
    return {
        "spans_a_second": SPANS / lasted,
        "cpu_us": (time.process_time() - cpu) / SPANS * 1e6,
        "memory_mib": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - baseline_kib) / 1024,
        "created": SPANS + WARM_UP,
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2])))
