"""MLflow's spans, as Langfuse's fields."""

from __future__ import annotations

import json

import pytest
from opentelemetry.sdk.trace import Event
from reading import plain, reading

from langfuse_otel.conventions import gen_ai, mlflow

read = reading(gen_ai.CONVENTION, mlflow.CONVENTION, scope="mlflow")


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        ("LLM", "generation"),
        ("CHAT_MODEL", "generation"),
        ("AGENT", "agent"),
        ("TOOL", "tool"),
        ("CHAIN", "chain"),
        ("RETRIEVER", "retriever"),
        ("RERANKER", "retriever"),
        ("EMBEDDING", "embedding"),
        ("EVALUATOR", "evaluator"),
        ("GUARDRAIL", "guardrail"),
        ("PARSER", "span"),
        ("UNKNOWN", "span"),
    ],
)
def test_the_span_type_is_the_type_with_or_without_quotes(kind: str, type_: str) -> None:
    assert read({"mlflow.spanType": kind}).type == type_
    assert read({"mlflow.spanType": f'"{kind}"'}).type == type_


def test_a_model_call() -> None:
    observation = read(
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.spanInputs": '{"messages": []}',
            "mlflow.spanOutputs": '{"choices": []}',
            "mlflow.llm.model": '"gpt-4o"',
            "mlflow.llm.provider": '"openai"',
            "mlflow.chat.tokenUsage": '{"input_tokens": 9, "output_tokens": 2, "cache_read_input_tokens": 4}',
            "mlflow.llm.cost": '{"input_cost": 0.1, "output_cost": 0.2, "total_cost": 0.3}',
            "mlflow.linkedPrompts": '[{"name": "p", "version": "1"}]',
        }
    )

    assert (observation.input, observation.output) == ('{"messages": []}', '{"choices": []}')
    assert observation.model == "gpt-4o"
    assert observation.usage == {"input": 5, "input_cached_tokens": 4, "output": 2, "total": 11}
    assert observation.cost == {"input": 0.1, "output": 0.2, "total": 0.3}
    assert observation.prompt_name is None
    assert observation.metadata == {
        "provider": "openai",
        "mlflow.spanType": '"CHAT_MODEL"',
        "mlflow.linkedPrompts": '[{"name": "p", "version": "1"}]',
    }


@pytest.mark.parametrize("value", ["[]", "{", 3, '{"input_tokens": "x", "total_cost": "x"}'])
def test_values_of_another_shape_stay_visible(value: object) -> None:
    attributes = {"mlflow.chat.tokenUsage": value, "mlflow.llm.cost": value, "mlflow.spanType": 3}
    observation = read(attributes)

    assert (observation.usage, observation.cost, observation.type) == (None, None, "span")
    assert observation.metadata == attributes


@pytest.mark.parametrize(
    ("written", "read_as"), [('"hi \\u00e9"', "hi é"), ('{"a": "b"}', '{"a": "b"}'), ('"hi', '"hi')]
)
def test_a_text_in_json_quotes_is_the_text(written: str, read_as: str) -> None:
    observation = read({"mlflow.spanInputs": written, "mlflow.spanOutputs": written})

    assert (observation.input, observation.output) == (read_as, read_as)


def test_a_request_and_its_response_are_messages_parameters_and_usage() -> None:
    asked = {"messages": [{"role": "user", "content": "hi"}], "model": "gpt-4o", "temperature": 0.5}
    usage = {"prompt_tokens": 9, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 3}}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ho", "refusal": None}}
    observation = read(
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.spanInputs": json.dumps(asked),
            "mlflow.spanOutputs": json.dumps({"id": "r1", "choices": [choice], "usage": usage}),
            "mlflow.chat.tokenUsage": '{"input_tokens": 9, "output_tokens": 5}',
        }
    )

    assert plain(observation.input) == asked["messages"]
    assert plain(observation.output) == {"role": "assistant", "content": "ho", "finish_reason": "stop"}
    assert (observation.model, observation.model_parameters) == ("gpt-4o", {"temperature": 0.5})
    assert observation.usage == {"input": 9, "output": 2, "output_reasoning_tokens": 3, "total": 14}
    assert observation.metadata == {
        "mlflow.spanOutputs": {"id": "r1"},
        "mlflow.spanType": '"CHAT_MODEL"',
        "mlflow.chat.tokenUsage": '{"input_tokens": 9, "output_tokens": 5}',
    }


def test_what_looks_like_a_request_is_none_on_a_span_that_is_no_model_call() -> None:
    inputs = '{"messages": [{"role": "user", "content": "hi"}]}'

    assert read({"mlflow.spanType": '"AGENT"', "mlflow.spanInputs": inputs}).input == inputs


@pytest.mark.parametrize(("at_ns", "first_ns"), [(1_500, 1_500), (500, None), (2_500, None)])
def test_the_first_chunk_is_when_the_first_token_came(at_ns: int, first_ns: int | None) -> None:
    chunks = [Event("mlflow.chunk.item.0", {}, at_ns), Event("mlflow.chunk.item.1", {}, 1_900)]

    assert read({"mlflow.spanType": '"LLM"'}, events=chunks).completion_start_ns is None
    assert read({"mlflow.spanOutputs": '"ho"'}, events=chunks).completion_start_ns == first_ns
