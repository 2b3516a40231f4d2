"""What LiteLLM adds to the GenAI conventions: what a call cost, by its own price list (``gen_ai.cost.*``)."""

from __future__ import annotations

from langfuse_otel.conventions import values
from langfuse_otel.conventions.convention import Convention
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.observation import Cost

_COST = {
    "gen_ai.cost.input_cost": "input",
    "gen_ai.cost.output_cost": "output",
    "gen_ai.cost.total_cost": "total",
}


def _compose(reader: Reader) -> None:
    """Zero in total is a model that LiteLLM has no price for; Langfuse's price list may have one."""
    cost: Cost = {}
    for key, name in _COST.items():
        amount = values.number(reader.mine.get(key))
        if amount is not None:
            cost[name] = amount
    if cost.get("total") and reader.wants("cost"):
        reader.offer("cost", cost)
        for key, name in _COST.items():
            if name in cost:
                del reader.mine[key]


CONVENTION = Convention(
    name="litellm",
    parts=frozenset(_COST),
    compose=_compose,
    composes={"cost": tuple(_COST)},
)
