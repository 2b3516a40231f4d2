"""MLflow's spans, as Langfuse's fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langfuse_otel.conventions import gen_ai, langfuse, mlflow, otel
from langfuse_otel.conventions.registry import Registry
from langfuse_otel.observation import Observation

REGISTRY = Registry((langfuse.CONVENTION, gen_ai.CONVENTION, mlflow.CONVENTION, otel.CONVENTION))


def read(attributes: Mapping[str, Any], *, name: str = "work", scope: str = "mlflow") -> Observation:
    return REGISTRY.read(
        ReadableSpan(
            name,
            attributes=attributes,
            start_time=1_000,
            end_time=2_000,
            instrumentation_scope=InstrumentationScope(scope),
        )
    )


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
