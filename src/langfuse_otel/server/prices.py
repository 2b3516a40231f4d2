"""What models cost: a sample of public list prices, so that costs show up; what is not in it costs nothing here.

A real Langfuse has a full table. Prices in USD a million tokens, as listed by the providers in 2025.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Prices:
    input: float
    output: float = 0.0
    cached: float | None = None


_TABLE: tuple[tuple[str, _Prices], ...] = (
    ("gpt-4o-mini", _Prices(0.15, 0.60, 0.075)),
    ("gpt-4o", _Prices(2.50, 10.00, 1.25)),
    ("gpt-4.1-nano", _Prices(0.10, 0.40, 0.025)),
    ("gpt-4.1-mini", _Prices(0.40, 1.60, 0.10)),
    ("gpt-4.1", _Prices(2.00, 8.00, 0.50)),
    ("gpt-5-nano", _Prices(0.05, 0.40, 0.005)),
    ("gpt-5-mini", _Prices(0.25, 2.00, 0.025)),
    ("gpt-5", _Prices(1.25, 10.00, 0.125)),
    ("o3-mini", _Prices(1.10, 4.40, 0.55)),
    ("o4-mini", _Prices(1.10, 4.40, 0.275)),
    ("text-embedding-3-small", _Prices(0.02)),
    ("text-embedding-3-large", _Prices(0.13)),
    ("claude-3-5-haiku", _Prices(0.80, 4.00, 0.08)),
    ("claude-sonnet-4", _Prices(3.00, 15.00, 0.30)),
    ("claude-opus-4", _Prices(15.00, 75.00, 1.50)),
    ("gemini-2.5-flash", _Prices(0.30, 2.50, 0.075)),
    ("gemini-2.5-pro", _Prices(1.25, 10.00, 0.31)),
)
_DATED = r"(?:-\d{4}-\d{2}-\d{2}|-\d{8}|-\d{3,4}|-latest|-v\d+)?"
_PATTERNS = tuple(
    (name, re.compile(rf"(?:[\w.-]+/)?{re.escape(name)}{_DATED}", re.IGNORECASE), prices) for name, prices in _TABLE
)


def price(model: str | None, usage: Mapping[str, int]) -> tuple[str | None, dict[str, float]]:
    """The table's entry for a model, and USD by kind of usage with their ``total``; (None, {}) for unknown ones."""
    for name, pattern, prices in _PATTERNS if model and usage else ():
        if pattern.fullmatch(model or ""):
            cost = {kind: tokens * _each(prices, kind) for kind, tokens in usage.items() if _each(prices, kind)}
            return name, {**cost, "total": sum(cost.values())}
    return None, {}


def _each(prices: _Prices, kind: str) -> float:
    """USD for one unit of a kind; 0 for kinds without a price."""
    if kind in ("input", "output"):
        million = prices.input if kind == "input" else prices.output
    elif kind in ("input_cached_tokens", "input_cache_read"):
        million = prices.input if prices.cached is None else prices.cached
    elif kind in ("output_reasoning_tokens", "output_reasoning"):
        million = prices.output
    else:
        million = 0.0
    return million / 1_000_000
