"""Cost: given ones replace the price table (langfuse-api.md, section 3.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langfuse_otel.server.mapping.values import json_object
from langfuse_otel.server.otlp_spans import Attributes


def cost_from_attributes(attributes: Attributes) -> dict[str, float] | None:
    """USD by kind, or None when the span gives none."""
    details = json_object(attributes.get("langfuse.observation.cost_details"))
    if details is not None:
        return cost_from_details(details)
    for name in ("gen_ai.usage.cost", "llm.cost.total"):
        given = attributes.get(name)
        if given is not None:
            # A text becomes 0 in Langfuse's newest tables, which also hides the price table (real-langfuse.md).
            return {"total": _dollars(given) or 0.0}
    return None


def cost_from_details(details: Mapping[str, Any]) -> dict[str, float] | None:
    """Numbers from 0 by kind; ``total`` is their sum when missing. None when nothing is left."""
    cost = {kind: dollars for kind, value in details.items() if (dollars := _dollars(value)) is not None}
    if cost and "total" not in cost:
        cost["total"] = sum(cost.values())
    return cost or None


def _dollars(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and value >= 0 else None
