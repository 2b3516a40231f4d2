"""Invalidation by name, of one project out of two that share a store."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

from bench.prompt_soak.any_prompt import Langfuse
from bench.prompt_soak.keys import WORDS, generated
from langfuse_otel.prompts import Prompts

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))


def invalidate(names: int) -> dict[str, Any]:
    """Of two projects with the same prompts in one store, one invalidates them by name: what else goes, what stays?"""
    from support.memory_store import MemoryStore, World

    source, world = random.Random(7), World()
    things = (generated(source, source.choices(WORDS, k=source.randint(2, 4))) for _ in range(3 * names))
    selectors = list(dict.fromkeys(thing[2] for thing in things if not thing[2].name.startswith("no")))[: 2 * names]
    ours, others = (
        Prompts(Langfuse(key), max_items=len(selectors), stores=[MemoryStore(world)]) for key in ("pk-1", "pk-2")
    )
    for prompts in (ours, others):
        for selector in selectors:
            prompts.get(selector.name, version=selector.version, label=selector.label)
    wrong, left = 0, set(selectors)
    names_left = list(dict.fromkeys(selector.name for selector in selectors))[:names]
    for name in names_left:
        ours.invalidate(name)
        left -= {selector for selector in left if selector.name == name}
        wrong += {selector for selector in selectors if ours.peek(selector)} != left
        wrong += len(world.values) != len(left) + len(selectors)
    wrong += any(others.peek(selector) is None for selector in selectors)
    for prompts in (ours, others):
        prompts.close()
    return {"names": len(names_left), "of": len(selectors), "wrong": wrong}
