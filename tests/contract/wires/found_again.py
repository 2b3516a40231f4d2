"""Whether what a span carried is to be found in its observation, wherever, and as whatever it means."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from langfuse_otel.conventions import values
from langfuse_otel.json_safe import json_safe
from langfuse_otel.observation import Observation

_ELSEWHERE = ("trace_id", "span_id", "parent_span_id", "resource", "scope")
_RESPELLED = {"model": "assistant"}  # Gemini's name of the role


class Shown:
    """All that an observation shows."""

    def __init__(self, observation: Observation) -> None:
        fields = [name for name in Observation.__struct_fields__ if name not in _ELSEWHERE]
        shown = json_safe({name: msgspec.to_builtins(getattr(observation, name)) for name in fields})
        scalars = list(_scalars(shown))
        self._texts = "\0".join(scalar for scalar in scalars if isinstance(scalar, str))
        self._numbers = {scalar for scalar in scalars if isinstance(scalar, (int, float))}
        self._numbers.update(_amounts(observation))
        self._observation = observation

    def has(self, value: Any) -> bool:
        """Whether a JSON-safe value is in it: itself, what it means, or all of its entries.

        The chat format has no word for the kinds of most parts (``{"type": "text"}``): what is in them tells.
        """
        if isinstance(value, dict):
            return all(self.has(entry) for key, entry in value.items() if key != "type" or not isinstance(entry, str))
        if isinstance(value, list):
            return all(map(self.has, value))
        if isinstance(value, str):
            return self._has_text(value)
        return value is None or self._has_number(value)

    def _has_text(self, text: str) -> bool:
        if text in self._texts or _RESPELLED.get(text, text) in self._texts or self._means(text):
            return True
        structure = _structure(text)
        if isinstance(structure, (dict, list, str)) and structure != text and self.has(json_safe(structure)):
            return True
        tags = values.tags(text) or ()
        return bool(tags) and set(tags) <= set(self._observation.tags)

    def _means(self, text: str) -> bool:
        """Whether it is a type, a level, a moment, a flag or a number of the observation."""
        word, moment = text.strip().lower(), values.moment_ns(text)
        observation = self._observation
        if word in (observation.type, observation.level.lower(), str(observation.public).lower()):
            return True
        if word == str(observation.is_app_root).lower() or word in _LEVELS:
            return True
        if moment is not None and moment == observation.completion_start_ns:
            return True
        number = values.number(text)
        return number is not None and self._has_number(number)

    def _has_number(self, number: float) -> bool:
        """Zero says that there was none of what is counted, and is left out as such; a wait is in whole nanoseconds."""
        if number == 0 or number in self._numbers or str(number) in self._texts:
            return True
        return any(math.isclose(number, other, rel_tol=1e-9, abs_tol=1e-9) for other in self._numbers)


_LEVELS = ("info", "log", "notice", "ok", "success", "trace", "verbose", "warn", "fatal", "critical")


def _scalars(value: Any, depth: int = 0) -> Iterator[Any]:
    """Every scalar, also inside JSON text."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield key
            yield from _scalars(entry, depth)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _scalars(entry, depth)
    else:
        yield value
        structure = _structure(value) if isinstance(value, str) and depth < 5 else None
        if structure is not None and structure != value:
            yield from _scalars(json_safe(structure), depth + 1)


def _structure(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _amounts(observation: Observation) -> Iterator[float]:
    """What parts that were made disjoint add up to, and the waits that a moment was made of."""
    for amounts in (observation.usage or {}, observation.cost or {}):
        for whole in ("input", "output"):
            parts = [amount for name, amount in amounts.items() if name.startswith(whole)][:8]
            for size in range(2, len(parts) + 1):
                yield from map(sum, itertools.combinations(parts, size))
    if observation.completion_start_ns is not None:
        waited_ns = observation.completion_start_ns - observation.start_ns
        yield from (waited_ns / 1e9, waited_ns / 1e6)
