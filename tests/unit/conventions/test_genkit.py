"""Genkit's spans, as Langfuse's fields."""

from __future__ import annotations

import json
from typing import Any

import pytest
from reading import plain, reading

from langfuse_otel.conventions import gen_ai, genkit

read = reading(gen_ai.CONVENTION, genkit.CONVENTION, scope="genkit-tracer")


MODEL = {"genkit:metadata:subtype": "model", "genkit:name": "openai/gpt-5-mini"}
SUBTYPE = {"genkit:metadata:subtype": "model"}
ASKED = {"messages": [{"role": "user", "content": [{"text": "hi"}]}], "config": {"temperature": 0.5}}
COUNTS = {"inputTokens": 1618, "outputTokens": 337, "thoughtsTokens": 320, "totalTokens": 1955, "inputCharacters": 9}


def test_a_model_call_as_langfuse_tests_it() -> None:
    answer = {
        "message": {"role": "model", "content": [{"text": "hello"}]},
        "finishReason": "stop",
        "request": ASKED,
        "usage": COUNTS,
    }
    observation = read({**MODEL, "genkit:input": json.dumps(ASKED), "genkit:output": json.dumps(answer)})

    assert (observation.type, observation.name) == ("generation", "openai/gpt-5-mini")
    assert observation.model == "openai/gpt-5-mini"
    assert plain(observation.input) == [{"role": "user", "content": "hi"}]
    assert plain(observation.output) == {"role": "assistant", "content": "hello"}
    assert observation.model_parameters == {"temperature": 0.5}
    assert observation.usage == {"input": 1618, "output": 17, "output_reasoning_tokens": 320, "total": 1955}
    assert observation.metadata == {
        **SUBTYPE,
        "genkit:output": {"finishReason": "stop", "usage": {"inputCharacters": 9}},
    }


def test_tools_reasoning_and_media_come_out_in_the_chat_format() -> None:
    asked = {
        "messages": [
            {
                "role": "model",
                "content": [
                    {"reasoning": "hm"},
                    {"toolRequest": {"name": "f", "ref": "c1", "input": {"a": 1}}},
                ],
            },
            {"role": "tool", "content": [{"toolResponse": {"name": "f", "ref": "c1", "output": "done"}}]},
            {"role": "user", "content": [{"media": {"url": "https://x/y.png", "contentType": "image/png"}}]},
        ],
        "tools": [{"name": "f", "inputSchema": {"type": "object"}}],
    }

    found = plain(read({**MODEL, "genkit:input": json.dumps(asked)}).input)

    assert found["tools"] == [{"type": "function", "name": "f", "parameters": {"type": "object"}}]
    assert found["messages"][:2] == [
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "hm",
            "tool_calls": [{"type": "function", "id": "c1", "function": {"name": "f", "arguments": '{"a":1}'}}],
        },
        {"role": "tool", "content": "done", "name": "f", "tool_call_id": "c1"},
    ]
    assert found["messages"][2]["content"][0]["image_url"] == {"url": "https://x/y.png"}


@pytest.mark.parametrize(
    ("subtype", "type_"),
    [
        ("background-model", "generation"),
        ("embedder", "embedding"),
        ("tool.v2", "tool"),
        ("retriever", "retriever"),
        ("evaluator", "evaluator"),
        ("flow", "chain"),
        ("later", "span"),
    ],
)
def test_the_subtype_is_the_type(subtype: str, type_: str) -> None:
    assert read({"genkit:metadata:subtype": subtype}).type == type_


def test_any_other_action_has_its_input_and_output_texts_without_quotes() -> None:
    observation = read(
        {"genkit:metadata:subtype": "flow", "genkit:name": "menu", "genkit:input": '"x"', "genkit:output": "{}"}
    )

    assert (observation.name, observation.model) == ("menu", None)
    assert (observation.input, observation.output) == ("x", "{}")


@pytest.mark.parametrize("value", ["{", "[1]", '{"messages": 1}', '{"message": []}'])
def test_a_model_call_of_another_shape_is_shown_as_it_is(value: str) -> None:
    observation = read({**MODEL, "genkit:input": value, "genkit:output": value})

    assert (observation.input, observation.output) == (value, value)


@pytest.mark.parametrize(
    ("counts", "rest"),
    [
        ({"inputTokens": 9}, {}),
        (
            {"inputTokens": 9, "outputTokens": "many", "totalTokens": None},
            {"outputTokens": "many", "totalTokens": None},
        ),
    ],
)
def test_entries_of_the_usage_that_are_no_counts_stay_visible(counts: dict[str, Any], rest: dict[str, Any]) -> None:
    answer = {"message": {"role": "model", "content": [{"text": "hello"}]}, "usage": counts}
    observation = read({**MODEL, "genkit:output": json.dumps(answer)})

    assert observation.usage == {"input": 9, "total": 9}
    assert observation.metadata == {**SUBTYPE, **({"genkit:output": {"usage": rest}} if rest else {})}
