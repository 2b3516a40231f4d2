"""What the prompt cache promises, in large numbers: processes that die, names that read alike, names without end.

``python -m bench.prompt_soak`` kills 1,000 of the processes that share the disk tier, tries 1,000,000 pairs of keys and
reads 1,000,000 names; ``--kills``, ``--pairs`` and ``--names`` set other numbers, and 0 leaves a part out. It prints
what it found as JSON, with the bars that were ``missed``, and exits with 1 if there are any.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from bench.prompt_soak.board import PROCESSES
from bench.prompt_soak.flood import flood
from bench.prompt_soak.invalidation import invalidate
from bench.prompt_soak.keys import collide
from bench.prompt_soak.kills import share_disk
from langfuse_otel.settings import load

MAX_HIT_US = 1.0


def main() -> None:
    parser = argparse.ArgumentParser("python -m bench.prompt_soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--names", type=int, default=1_000_000)
    asked = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    if asked.kills:  # before there are threads
        found["killed"] = share_disk(asked.kills)
        found["damaged"] = share_disk(-(-asked.kills // 4), damages=True)
    if asked.pairs:
        found["keys"] = collide(asked.pairs)
        found["invalidated"] = invalidate(min(1_000, asked.pairs))
    if asked.names:
        found["flood"] = flood(asked.names)
    missed = list(_missed(found))
    print(json.dumps({**found, "missed": missed}))
    sys.exit(1 if missed else 0)


def _missed(found: dict[str, dict[str, Any]]) -> Iterator[str]:
    settings = load({})
    bars: dict[str, dict[str, Any]] = {
        "killed": dict.fromkeys(("torn", "older", "failed", "died"), 0),
        "damaged": dict.fromkeys(("torn", "older", "failed", "died"), 0),
        "keys": {"collisions": 0},
        "invalidated": {"wrong": 0},
        "flood": {
            "most_items": settings.prompt_cache_max_items,
            "most_bytes": settings.prompt_cache_max_bytes,
            "failures": settings.prompt_cache_max_items,
            "reads_left": 0,
            "hit_us": MAX_HIT_US,
        },
    }
    for part, results in found.items():
        yield from (f"{part}.{what}" for what, most in bars[part].items() if results[what] > most)
        if results.get("served_at_the_end", PROCESSES) != PROCESSES:
            yield f"{part}.served_at_the_end"
        if results.get("integrity", "ok") != "ok":
            yield f"{part}.integrity"


if __name__ == "__main__":
    main()
