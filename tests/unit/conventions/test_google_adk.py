"""Google's Agent Development Kit, as Langfuse's fields."""

from __future__ import annotations

import json
from typing import Any

import pytest
from reading import plain, reading

from langfuse_otel.conventions import gen_ai, google_adk

read = reading(google_adk.CONVENTION, gen_ai.CONVENTION, scope="gcp.vertex.agent")


REQUEST, RESPONSE = "gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response"


def asked(**more: Any) -> dict[str, Any]:
    request = {
        "model": "gemini-2.0-flash",
        "config": {
            "system_instruction": "Greet.",
            "tools": [{"function_declarations": [{"name": "say_hello"}]}],
            "max_output_tokens": 9,
            "temperature": 0.5,
        },
        "contents": [
            {"role": "user", "parts": [{"text": "hi"}]},
            {"role": "model", "parts": [{"function_call": {"args": {}, "name": "say_hello"}}]},
            {
                "role": "user",
                "parts": [{"function_response": {"name": "say_hello", "response": {"greeting": "Hello"}}}],
            },
        ],
        **more,
    }
    return {REQUEST: json.dumps(request)}


def answered(**counts: int) -> dict[str, Any]:
    response = {"content": {"role": "model", "parts": [{"text": "Hello!"}]}, "usage_metadata": counts}
    return {RESPONSE: json.dumps(response)}


def test_a_recorded_model_call() -> None:
    """From Langfuse's own test data: ADK 1.12."""
    observation = read(
        {
            **asked(),
            **answered(prompt_token_count=39, candidates_token_count=6, total_token_count=45),
            "gen_ai.system": "gcp.vertex.agent",
            "gen_ai.request.model": "gemini-2.0-flash",
            "gen_ai.request.max_tokens": 9,
            "gen_ai.usage.input_tokens": 39,
            "gen_ai.usage.output_tokens": 6,
            "gcp.vertex.agent.session_id": "s",
        }
    )

    assert (observation.type, observation.model, observation.session_id) == ("generation", "gemini-2.0-flash", "s")
    assert plain(observation.input) == {
        "messages": [
            {"role": "system", "content": "Greet."},
            {"role": "user", "content": "hi"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"type": "function", "function": {"name": "say_hello", "arguments": "{}"}}],
            },
            {"role": "tool", "content": '{"greeting":"Hello"}', "name": "say_hello"},
        ],
        "tools": [{"type": "function", "name": "say_hello"}],
    }
    assert plain(observation.output) == {"role": "assistant", "content": "Hello!"}
    assert observation.model_parameters == {"max_tokens": 9, "temperature": 0.5}
    assert observation.usage == {"input": 39, "output": 6, "total": 45}
    assert observation.metadata == {
        "provider": "gcp.vertex.agent",
        RESPONSE: {
            "usage_metadata": {"prompt_token_count": 39, "candidates_token_count": 6, "total_token_count": 45},
        },
    }


def test_thoughts_and_cached_tokens_are_in_the_response_only() -> None:
    counts = {
        "prompt_token_count": 30,
        "cached_content_token_count": 10,
        "candidates_token_count": 6,
        "thoughts_token_count": 4,
        "total_token_count": 40,
    }
    observation = read({**answered(**counts), "gen_ai.usage.input_tokens": 30, "gen_ai.usage.output_tokens": 6})

    assert observation.usage == {
        "input": 20,
        "input_cached_tokens": 10,
        "output": 6,
        "output_reasoning_tokens": 4,
        "total": 40,
    }
    assert observation.metadata == {RESPONSE: {"usage_metadata": counts}}


def test_without_counts_in_the_response_the_genai_conventions_are_asked() -> None:
    observation = read({RESPONSE: '{"content": {"parts": [{"text": "x"}]}}', "gen_ai.usage.input_tokens": 3})

    assert observation.usage == {"input": 3, "total": 3}


def test_counts_that_contradict_the_response_stay_visible() -> None:
    observation = read({**answered(prompt_token_count=3), "gen_ai.usage.input_tokens": 4})

    assert observation.usage == {"input": 3, "total": 3}
    assert observation.metadata["gen_ai.usage.input_tokens"] == 4


def test_a_thought_is_reasoning_and_media_are_content_items() -> None:
    contents = [
        {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": "yes"}]},
        {"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": "aGk="}}]},
        {"role": "user", "parts": [{"file_data": {"mime_type": "image/png", "file_uri": "gs://b/o"}}]},
    ]

    said = plain(read({REQUEST: json.dumps({"contents": contents})}).input)

    assert said[0] == {"role": "assistant", "content": "yes", "reasoning_content": "hm"}
    assert said[1]["content"][0]["image_url"] == {"url": "data:image/png;base64,aGk="}
    assert said[2]["content"][0]["image_url"] == {"url": "gs://b/o"}


def test_a_tool_has_its_arguments_and_response_and_no_empty_request() -> None:
    observation = read(
        {
            "gen_ai.operation.name": "execute_tool",
            REQUEST: "{}",
            RESPONSE: "{}",
            "gcp.vertex.agent.tool_call_args": '{"a": 1}',
            "gcp.vertex.agent.tool_response": '{"result": 2}',
        }
    )

    assert (observation.type, observation.input, observation.output) == ("tool", '{"a": 1}', '{"result": 2}')
    assert observation.metadata == {"gen_ai.operation.name": "execute_tool"}


def test_what_the_request_says_else_is_metadata() -> None:
    assert read(asked(live_connect_config={"a": 1})).metadata == {REQUEST: {"live_connect_config": {"a": 1}}}


def test_the_responses_model_is_better_than_the_requests() -> None:
    observation = read({**asked(), "gen_ai.response.model": "gemini-2.0-flash-001"})

    assert observation.model == "gemini-2.0-flash-001"
    assert observation.metadata == {REQUEST: {"model": "gemini-2.0-flash"}}


@pytest.mark.parametrize("value", ["<not serializable>", "[1]", 5, '{"contents": 1'])
def test_what_cannot_be_understood_stays_visible(value: object) -> None:
    assert read({REQUEST: value, RESPONSE: value}).metadata == {REQUEST: value, RESPONSE: value}


@pytest.mark.parametrize(
    "value", ['{"contents": 1}', '{"content": [], "config": 3, "usage_metadata": 4}', '{"config": {"tools": 2}}']
)
def test_values_of_another_shape_stay_visible(value: str) -> None:
    assert read({RESPONSE: value}).metadata == {RESPONSE: json.loads(value)}


@pytest.mark.parametrize(
    ("total", "output"),
    [(96, {"output": 12, "output_reasoning_tokens": 4}), (92, {"output": 8, "output_reasoning_tokens": 4})],
)
def test_whether_thoughts_are_among_the_candidates_tokens_is_what_the_total_says(
    total: int, output: dict[str, int]
) -> None:
    counts = {
        "prompt_token_count": 80,
        "candidates_token_count": 12,
        "thoughts_token_count": 4,
        "total_token_count": total,
    }
    observation = read({RESPONSE: json.dumps({"usage_metadata": counts}), "gen_ai.usage.output_tokens": 16})

    assert observation.usage == {"input": 80, **output, "total": total}
    assert "gen_ai.usage.output_tokens" not in observation.metadata
