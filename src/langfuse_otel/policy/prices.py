"""Cost of a call where its span gives none: by the user's function, or by the public list of ``genai-prices``.

Without either it is left to the server's own price table, which is what most users want.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, TypeAlias

import msgspec

from langfuse_otel import log
from langfuse_otel.errors import MissingExtraError
from langfuse_otel.hook import Hook
from langfuse_otel.observation import Cost, Observation, Usage
from langfuse_otel.policy.chain import Rewrite

Price: TypeAlias = Callable[[Observation], Mapping[str, float] | None]
"""US dollars by kind of usage for an observation with a model and usage; None leaves it to the server."""

_PROVIDER = "provider"  # metadata key under which the conventions keep the provider's name
_COUNTS = {
    # genai-prices counts inclusively, Langfuse exclusively
    "input_tokens": ("input", "input_cached_tokens", "input_cache_creation", "input_audio_tokens"),
    "output_tokens": ("output", "output_reasoning_tokens", "output_audio_tokens"),
    "cache_read_tokens": ("input_cached_tokens",),
    "cache_write_tokens": ("input_cache_creation",),
    "input_audio_tokens": ("input_audio_tokens",),
    "output_audio_tokens": ("output_audio_tokens",),
}


def priced_by(price: Price) -> Rewrite:
    """A rewrite that asks ``price`` for what no span has said.

    When it raises, or is not called as it takes too long (``hook``), the cost is left to the server.
    """
    hook = Hook("price", price)

    def rewrite(observation: Observation) -> Observation:
        if observation.cost is not None or not observation.usage or observation.model is None:
            return observation
        try:
            cost = _checked(hook(observation))
        except Exception as error:
            message = "the price of a call could not be computed, it is left to Langfuse: %s: %s"
            log.limited(logging.WARNING, "policy.prices", message, type(error).__name__, error)
            return observation
        return observation if cost is None else msgspec.structs.replace(observation, cost=cost)

    return rewrite


def public_prices() -> Price:
    """Prices of ``genai-prices``: what providers list publicly, as of its installed version.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        genai_prices: Any = import_module("genai_prices")
    except ModuleNotFoundError as error:
        raise MissingExtraError("prices", "genai-prices") from error

    def price(observation: Observation) -> Mapping[str, float] | None:
        usage = genai_prices.Usage(**_inclusive(observation.usage or {}))
        provider = observation.metadata.get(_PROVIDER)
        for provider_id in dict.fromkeys((provider if isinstance(provider, str) else None, None)):
            try:
                found = genai_prices.calc_price(usage, observation.model, provider_id=provider_id)
            except LookupError:  # a model, or a provider's name, that the list does not have
                continue
            parts = {"input": found.input_price, "output": found.output_price, "total": found.total_price}
            return {kind: float(dollars) for kind, dollars in parts.items() if dollars is not None}
        return None

    return price


def _inclusive(usage: Usage) -> dict[str, int]:
    counts = {name: sum(usage.get(kind, 0) for kind in kinds) for name, kinds in _COUNTS.items()}
    return {name: count for name, count in counts.items() if count}


def _checked(cost: Mapping[str, float] | None) -> Cost | None:
    """Raises TypeError or ValueError on what Langfuse would take for a cost of 0 (real-langfuse.md)."""
    if not cost:
        return None
    checked = {str(kind): float(dollars) for kind, dollars in cost.items()}
    if not all(0 <= dollars < float("inf") for dollars in checked.values()):
        raise ValueError(f"not a cost: {checked}")
    checked.setdefault("total", sum(checked.values()))
    return checked
