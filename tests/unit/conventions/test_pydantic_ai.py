"""What Pydantic AI adds to the GenAI conventions, in all versions of its data format."""

from __future__ import annotations

import json
from typing import Any

import pytest
from reading import plain, reading

from langfuse_otel.conventions import agent_totals, gen_ai, pydantic_ai

read = reading(agent_totals.CONVENTION, gen_ai.CONVENTION, pydantic_ai.CONVENTION, scope="pydantic-ai")


USER = {"role": "user", "parts": [{"type": "text", "content": "hi"}]}
ASSISTANT = {"role": "assistant", "parts": [{"type": "text", "content": "hello"}]}
CHAT = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
SYSTEM = {"role": "system", "content": "be nice"}
PARAMETERS = {
    "function_tools": [{"name": "f", "description": "d", "parameters_json_schema": {"type": "object"}, "strict": True}],
    "output_tools": [{"name": "final_result", "description": None}],
    "output_mode": "tool",
}
TOOLS = [
    {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}},
    {"type": "function", "name": "final_result"},
]


def test_an_agents_messages_are_the_input_and_its_result_the_output() -> None:
    observation = read(
        {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "planner",
            "pydantic_ai.all_messages": json.dumps([USER, ASSISTANT]),
            "final_result": "hello",
            "gen_ai.aggregated_usage.input_tokens": 10,
        }
    )

    assert plain(observation.input) == CHAT[:1]
    assert plain(observation.output) == CHAT[1]
    assert (observation.type, observation.usage) == ("agent", None)
    assert observation.metadata == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "planner",
        "gen_ai.aggregated_usage.input_tokens": 10,
    }


@pytest.mark.parametrize("result", ['{"city":"Rome"}', ["Rome"]])
def test_a_result_that_is_not_the_last_message_stands_beside_the_whole_conversation(result: object) -> None:
    observation = read({"pydantic_ai.all_messages": json.dumps([USER, ASSISTANT]), "final_result": result})

    assert plain(observation.input) == CHAT
    assert observation.output == result


def test_a_conversation_that_ends_in_a_call_has_no_answer() -> None:
    call = {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "f", "arguments": {}}]}
    observation = read({"pydantic_ai.all_messages": json.dumps([USER, call])})

    assert plain(observation.input)[1]["tool_calls"][0]["id"] == "c1"
    assert (observation.output, observation.metadata) == (None, {})


def test_an_answer_to_nothing_has_no_input() -> None:
    observation = read({"pydantic_ai.all_messages": json.dumps([ASSISTANT]), "final_result": "hello"})

    assert (observation.input, plain(observation.output), observation.metadata) == (None, CHAT[1], {})


def test_a_result_beside_an_output_that_langfuse_was_told_stays_visible() -> None:
    told = {"langfuse.observation.output": "mine", "final_result": "hello"}
    observation = read({**told, "pydantic_ai.all_messages": json.dumps([USER, ASSISTANT])})

    assert (plain(observation.input), observation.output) == (CHAT, "mine")
    assert observation.metadata == {"final_result": "hello"}


def test_the_conversation_continues_the_instructions() -> None:
    observation = read(
        {
            "gen_ai.system_instructions": '[{"type": "text", "content": "be nice"}]',
            "pydantic_ai.all_messages": json.dumps([USER, ASSISTANT]),
        }
    )

    assert plain(observation.input) == [SYSTEM, *CHAT]
    assert observation.metadata == {}


def test_instructions_that_the_conversation_repeats_come_once() -> None:
    system = {"role": "system", "parts": [{"type": "text", "content": "be nice"}]}
    observation = read(
        {"gen_ai.system_instructions": "be nice", "pydantic_ai.all_messages": json.dumps([system, USER])}
    )

    assert plain(observation.input) == [SYSTEM, CHAT[0]]


def test_tool_definitions_of_an_agent_stay_beside_its_messages() -> None:
    observation = read(
        {
            "gen_ai.tool.definitions": json.dumps(TOOLS),
            "gen_ai.system_instructions": "be nice",
            "pydantic_ai.all_messages": json.dumps([USER]),
        }
    )

    assert plain(observation.input) == {"messages": [SYSTEM, CHAT[0]], "tools": TOOLS}


def test_an_input_that_langfuse_was_told_is_not_touched() -> None:
    messages = json.dumps([USER])
    observation = read(
        {
            "langfuse.observation.input": ["mine"],
            "pydantic_ai.all_messages": messages,
            "model_request_parameters": json.dumps(PARAMETERS),
        }
    )

    assert observation.input == ["mine"]
    assert observation.metadata["pydantic_ai.all_messages"] == messages


def test_a_model_call_without_tool_definitions_has_those_of_its_parameters() -> None:
    parameters = json.dumps(PARAMETERS)
    observation = read({"gen_ai.input.messages": json.dumps([USER]), "model_request_parameters": parameters})

    assert plain(observation.input) == {"messages": CHAT[:1], "tools": TOOLS}
    assert observation.metadata == {"model_request_parameters": parameters}


def test_tool_definitions_by_their_standard_name_come_first() -> None:
    standard = [{"type": "function", "name": "standard"}]
    observation = read(
        {
            "gen_ai.input.messages": json.dumps([USER]),
            "gen_ai.tool.definitions": json.dumps(standard),
            "model_request_parameters": json.dumps(PARAMETERS),
        }
    )

    assert plain(observation.input) == {"messages": CHAT[:1], "tools": standard}


def test_a_tool_of_version_2_has_its_arguments_and_response() -> None:
    observation = read({"gen_ai.tool.name": "f", "tool_arguments": '{"a": 1}', "tool_response": "done"})

    assert (observation.type, observation.input, observation.output) == ("tool", '{"a": 1}', "done")


def test_the_cost_is_in_dollars() -> None:
    assert read({"gen_ai.operation.name": "chat", "operation.cost": 0.25}).cost == {"total": 0.25}
    assert read({"operation.cost": "free"}).metadata == {"operation.cost": "free"}


def test_version_1_has_events_whose_choices_are_the_output() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
    events = [
        {"event.name": "gen_ai.system.message", "content": "be nice", "role": "system"},
        {"event.name": "gen_ai.user.message", "content": "hi", "role": "user", "gen_ai.message.index": 0},
        {"event.name": "gen_ai.tool.message", "content": "rain", "role": "tool", "id": "c0", "name": "f"},
        {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "tool_calls": [call]}},
    ]

    observation = read({"gen_ai.operation.name": "chat", "events": json.dumps(events)})

    assert plain(observation.input) == [
        SYSTEM,
        CHAT[0],
        {"role": "tool", "content": "rain", "name": "f", "tool_call_id": "c0"},
    ]
    assert plain(observation.output) == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}],
    }


def test_version_1_agents_have_events_too() -> None:
    events = [{"event.name": "gen_ai.user.message", "content": "hi", "role": "user"}]

    assert plain(read({"agent_name": "a", "all_messages_events": json.dumps(events)}).input) == CHAT[:1]


@pytest.mark.parametrize(
    "attributes",
    [
        {"events": "[1]"},
        {"events": '[{"event.name": "gen_ai.choice", "message": 1}]'},
        {"events": 7},
        {"pydantic_ai.all_messages": "[{"},
        {"all_messages_events": 1.5},
        {"model_request_parameters": "[]", "gen_ai.agent.name": "x"},
    ],
)
def test_what_cannot_be_understood_stays_visible(attributes: dict[str, Any]) -> None:
    observation = read(attributes)

    assert (observation.input, observation.output) == (None, None)
    assert observation.metadata == attributes
