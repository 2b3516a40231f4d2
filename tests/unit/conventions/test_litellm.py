"""LiteLLM's costs."""

from __future__ import annotations

import pytest
from reading import reading

from langfuse_otel.conventions import gen_ai, litellm

read = reading(gen_ai.CONVENTION, litellm.CONVENTION, scope="litellm")


COST = {"gen_ai.cost.input_cost": 0.1, "gen_ai.cost.output_cost": 0.2, "gen_ai.cost.total_cost": 0.3}


def test_the_costs_are_by_langfuses_keys() -> None:
    observation = read({**COST, "gen_ai.cost.tool_usage_cost": 0.0})

    assert observation.cost == {"input": 0.1, "output": 0.2, "total": 0.3}
    assert observation.metadata == {"gen_ai.cost.tool_usage_cost": 0.0}


@pytest.mark.parametrize("total", [0.0, "free", -1.0, float("nan")])
def test_no_price_leaves_the_price_to_langfuse(total: object) -> None:
    observation = read({**COST, "gen_ai.cost.total_cost": total})

    assert observation.cost is None
    assert observation.metadata.keys() == COST.keys()


def test_a_cost_by_its_standard_name_comes_first() -> None:
    observation = read({**COST, "gen_ai.usage.cost": 0.5})

    assert (observation.cost, observation.metadata) == ({"total": 0.5}, COST)
