"""LangSmith's runs, as Langfuse's fields."""

from __future__ import annotations

import pytest
from reading import reading

from langfuse_otel.conventions import gen_ai, langsmith

read = reading(langsmith.CONVENTION, gen_ai.CONVENTION, scope="langsmith")


@pytest.mark.parametrize(
    ("kind", "operation", "type_"),
    [
        ("llm", "chat", "generation"),
        ("retriever", "embeddings", "retriever"),
        ("prompt", "chat", "span"),
        ("parser", "parser", "span"),
        ("chain", "chain", "chain"),
        ("tool", "execute_tool", "tool"),
        ("embedding", "embeddings", "embedding"),
    ],
)
def test_the_kind_of_run_is_the_type_whatever_its_operation_says(kind: str, operation: str, type_: str) -> None:
    attributes = {"langsmith.span.kind": kind, "gen_ai.operation.name": operation}
    observation = read(attributes)

    assert (observation.type, observation.metadata) == (type_, attributes)


def test_tags_metadata_session_and_user() -> None:
    observation = read(
        {
            "langsmith.span.id": "1",
            "langsmith.span.tags": "a, b",
            "langsmith.metadata.thread_id": "t",
            "langsmith.metadata.user_id": "u",
            "langsmith.metadata.ls_provider": "openai",
            "langsmith.trace.session_name": "default",
        }
    )

    assert (observation.tags, observation.session_id, observation.user_id) == (("a", "b"), "t", "u")
    assert observation.metadata == {
        "ls_provider": "openai",
        "langsmith.span.id": "1",
        "langsmith.trace.session_name": "default",
    }


def test_a_project_is_no_session() -> None:
    assert read({"langsmith.trace.session_id": "p"}).session_id is None


def test_the_details_of_the_usage_are_read_though_they_are_python() -> None:
    observation = read(
        {
            "langsmith.span.id": "1",
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 6,
            "gen_ai.usage.total_tokens": 16,
            "gen_ai.usage.input_token_details": "{'cache_read': 4, 'audio': 0}",
            "gen_ai.usage.output_token_details": "{'reasoning': 5}",
        }
    )

    assert observation.usage == {
        "input": 6,
        "input_cached_tokens": 4,
        "output": 1,
        "output_reasoning_tokens": 5,
        "total": 16,
    }
    assert observation.metadata == {"langsmith.span.id": "1"}


@pytest.mark.parametrize("details", ["{'cache_read': None", "{'later': 1}", "[1]"])
def test_details_of_another_shape_stay_visible(details: str) -> None:
    attributes = {
        "langsmith.span.id": "1",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.input_token_details": details,
    }
    observation = read(attributes)

    assert observation.usage is not None
    assert observation.usage["input"] == 10
    assert observation.metadata["gen_ai.usage.input_token_details"] == details


@pytest.mark.parametrize(
    ("details", "cached"),
    [("{'cache_read': 4, 'audio': 'some'}", 4), ("{'cache_read': 3}", 2), ("{'cache_read': ''}", 2)],
)
def test_details_that_are_not_used_whole_stay_visible(details: str, cached: int) -> None:
    known = {} if cached == 4 else {"gen_ai.usage.cache_read.input_tokens": cached}
    attributes = {"gen_ai.usage.input_tokens": 10, **known, "gen_ai.usage.input_token_details": details}
    observation = read({"langsmith.span.id": "1", **attributes})

    assert observation.usage == {"input": 10 - cached, "input_cached_tokens": cached, "total": 10}
    assert observation.metadata == {"langsmith.span.id": "1", "gen_ai.usage.input_token_details": details}
