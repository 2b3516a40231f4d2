"""Agents whose usage is the sum of their model calls."""

from __future__ import annotations

import pytest
from reading import reading

from langfuse_otel.conventions import agent_totals, gen_ai

read = reading(agent_totals.CONVENTION, gen_ai.CONVENTION, scope="pydantic-ai")


TOKENS = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner", **TOKENS}
COUNTED = {"input": 10, "output": 5, "total": 15}


@pytest.mark.parametrize("scope", ["pydantic-ai", "strands-agents", "strands.telemetry.tracer", "ai"])
def test_an_agent_of_a_framework_that_repeats_is_not_billed_and_nothing_is_lost(scope: str) -> None:
    observation = read(AGENT, scope=scope)

    assert (observation.type, observation.usage) == ("agent", None)
    assert observation.metadata == AGENT


def test_an_agent_with_a_model_says_zero_because_the_server_would_count_its_words() -> None:
    assert read({**AGENT, "gen_ai.request.model": "m"}).usage == {"input": 0, "output": 0, "total": 0}


def test_pydantic_ais_first_agent_spans_had_no_operation() -> None:
    assert read({"agent_name": "planner", "model_name": "m", **TOKENS}).usage is None


def test_a_model_call_that_names_its_agent_is_billed() -> None:
    attributes = {**AGENT, "gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}

    assert read(attributes).usage == COUNTED
    del attributes["gen_ai.operation.name"]
    assert read(attributes).usage == COUNTED


@pytest.mark.parametrize("scope", ["", "openai", "aiohttp", "strandsberg"])
def test_an_agent_of_any_other_library_is_billed(scope: str) -> None:
    assert read(AGENT, scope=scope).usage == COUNTED
