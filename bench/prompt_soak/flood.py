"""Names without end: the cache in memory stays within its limits, and a hit as fast as ever."""

from __future__ import annotations

import time
import timeit
from pathlib import Path
from typing import Any

from bench.prompt_soak.any_prompt import Langfuse
from langfuse_otel.errors import NotFoundError
from langfuse_otel.prompts import Prompts
from langfuse_otel.prompts.cache import MemoryCache, key_of
from langfuse_otel.prompts.models import Selector
from langfuse_otel.prompts.record import Record
from langfuse_otel.settings import load

DEADLINE_S = 5.0


def flood(names: int) -> dict[str, Any]:
    """Read so many names, a tenth of them by ``get``, the others as it does it from there on, without its threads.

    A tenth do not exist; the prompts are small in the first half and large in the second.
    """
    settings = load({})
    langfuse = Langfuse()
    prompts = Prompts(
        langfuse,
        max_items=settings.prompt_cache_max_items,
        max_bytes=settings.prompt_cache_max_bytes,
    )
    cache = prompts._cache
    memory_before_kib = _memory_kib()
    most_items = most_bytes = absent = 0
    started = time.monotonic()
    for number in range(names):
        kind = "no" if number % 11 == 0 else "small" if number < names / 2 else "large"
        name = f"{kind}/{number}"
        try:
            if number % 10 == 0:
                prompts.get(name)
            else:
                _read_into(cache, langfuse, Selector(name))
        except NotFoundError:
            absent += 1
        most_items, most_bytes = max(most_items, len(cache.entries)), max(most_bytes, cache.size_bytes)
    took_s = time.monotonic() - started
    prompts.get("hot")
    hit_us = min(timeit.repeat(lambda: prompts.get("hot"), number=2_000, repeat=50)) / 2_000 * 1e6
    return {
        "names": names,
        "absent": absent,
        "most_items": most_items,
        "most_bytes": most_bytes,
        "failures": len(cache._failures),
        "reads_left": len(cache._reads),
        "memory_kib": _memory_kib() - memory_before_kib,
        "hit_us": round(hit_us, 2),
        "took_s": round(took_s, 1),
    }


def _read_into(cache: MemoryCache, langfuse: Langfuse, selector: Selector) -> None:
    key = key_of(langfuse.scope, selector)
    read = cache.begin(key)
    try:
        cache.put(key, Record(langfuse.get(selector, deadline_s=DEADLINE_S), time.time()), read)
    except NotFoundError as error:
        cache.fail(key, error, read)
        raise


def _memory_kib() -> int:
    with Path("/proc/self/status").open() as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
