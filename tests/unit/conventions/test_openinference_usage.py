"""OpenInference's tokens and costs, as Langfuse's."""

from __future__ import annotations

import pytest

from support.openinference_spans import read


def test_inclusive_counts_become_disjoint_ones() -> None:
    observation = read(
        {
            "llm.token_count.prompt": 100,
            "llm.token_count.completion": 50,
            "llm.token_count.total": 150,
            "llm.token_count.prompt_details.cache_read": 30,
            "llm.token_count.prompt_details.cache_write": 20,
            "llm.token_count.prompt_details.audio": 10,
            "llm.token_count.completion_details.reasoning": 15,
            "llm.token_count.completion_details.audio": 5,
        }
    )

    assert observation.usage == {
        "input": 40,
        "output": 30,
        "input_cached_tokens": 30,
        "input_cache_creation": 20,
        "input_audio_tokens": 10,
        "output_reasoning_tokens": 15,
        "output_audio_tokens": 5,
        "total": 150,
    }
    assert observation.metadata == {}


def test_counts_that_are_part_of_others_or_no_counts_stay_metadata() -> None:
    odd = {"llm.token_count.prompt_details.text": 7, "llm.token_count.completion": "many"}
    observation = read({"llm.token_count.prompt": 10, **odd})

    assert (observation.usage, observation.metadata) == ({"input": 10, "total": 10}, odd)


def test_both_names_of_cached_tokens_count_once() -> None:
    cached = {"llm.token_count.prompt_details.cache_input": 4, "llm.token_count.prompt_details.cache_read": 4}

    assert read({"llm.token_count.prompt": 10, **cached}).usage == {"input": 6, "input_cached_tokens": 4, "total": 10}


def test_a_decision_model_counts_too() -> None:
    counts = {"decision.token_count.input": 10, "decision.token_count.output": 2}

    assert read(counts).usage == {"input": 10, "output": 2, "total": 12}


@pytest.mark.parametrize("kind", ["AGENT", "CHAIN"])
def test_an_outer_span_is_not_billed_for_the_calls_inside(kind: str) -> None:
    repeated = {"llm.token_count.prompt": 100, "llm.cost.total": 0.5}
    observation = read({"openinference.span.kind": kind, "llm.model_name": "m", **repeated})

    assert (observation.usage, observation.cost) == ({"input": 0, "output": 0, "total": 0}, None)
    assert observation.metadata == {"openinference.span.kind": kind, **repeated}


def test_an_agent_that_has_no_spans_inside_is_billed() -> None:
    counts = {"openinference.span.kind": "AGENT", "llm.token_count.prompt": 100, "llm.cost.total": 0.5}
    observation = read(counts, scope="openinference.instrumentation.claude_agent_sdk")

    assert (observation.usage, observation.cost) == ({"input": 100, "total": 100}, {"total": 0.5})


def test_costs_are_disjoint_too() -> None:
    observation = read(
        {
            "llm.cost.prompt": 0.0021,
            "llm.cost.completion": 0.0045,
            "llm.cost.total": 0.0066,
            "llm.cost.prompt_details.cache_read": 0.0003,
            "llm.cost.prompt_details.cache_write": 0.0006,
            "llm.cost.completion_details.output": 0.0021,
            "llm.cost.completion_details.reasoning": 0.0024,
        }
    )

    assert observation.cost == {
        "input": 0.0012,
        "input_cached_tokens": 0.0003,
        "input_cache_creation": 0.0006,
        "output": 0.0021,
        "output_reasoning_tokens": 0.0024,
        "total": 0.0066,
    }
    assert observation.metadata == {}


def test_a_cost_without_a_total_has_the_sum() -> None:
    assert read({"llm.cost.prompt": 0.1, "llm.cost.completion": "0.2"}).cost == {
        "input": 0.1,
        "output": 0.2,
        "total": 0.3,
    }


def test_costs_that_disagree_or_are_none_stay_visible() -> None:
    odd = {"llm.cost.prompt": 5.0, "llm.cost.completion": "dear", "llm.cost.other": 1.0}
    observation = read({"llm.cost.prompt_details.input": 1.0, **odd})

    assert (observation.cost, observation.metadata) == ({"input": 1.0, "total": 1.0}, odd)
