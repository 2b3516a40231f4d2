"""Kinds of steps."""

from __future__ import annotations

from typing import Any

import pytest

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.frameworks import step_kinds
from langfuse_otel.instrumentation.frameworks.steps import Kind
from langfuse_otel.instrumentation.messages import Message, message, text

SAID = [message("user", [text("Hi")]), message("assistant", [text("Hello")])]


def _read(value: Any) -> Any:
    return {"read": value}


def _messages(value: Any) -> list[Message]:
    return SAID if value == "state" else []


@pytest.mark.parametrize(
    ("kind", "name", "operation"),
    [
        (step_kinds.workflow("plan", _read, _messages), "invoke_workflow plan", "invoke_workflow"),
        (step_kinds.agent("otter", _read, _messages), "invoke_agent otter", "invoke_agent"),
        (step_kinds.agent(None, _read, _messages), "invoke_agent", "invoke_agent"),
        (step_kinds.tool("weather", _read), "execute_tool weather", "execute_tool"),
        (step_kinds.retrieval("shelf", _read), "retrieval shelf", "retrieval"),
        (step_kinds.retrieval(None, _read), "retrieval", "retrieval"),
        (step_kinds.link("parser", _read), "parser", None),
    ],
)
def test_a_kind_is_named_as_the_conventions_say(kind: Kind, name: str, operation: str | None) -> None:
    assert kind.name == name
    assert kind.attributes.get(names.OPERATION_NAME) == operation
    assert None not in kind.attributes.values()


def test_an_agent_shows_its_conversation_and_the_last_message() -> None:
    agent = step_kinds.agent("otter", _read, _messages)
    assert agent.given("state") == {names.INPUT_MESSAGES: SAID}
    assert agent.result("state") == {names.OUTPUT_MESSAGES: SAID[-1:]}


def test_a_state_without_messages_is_shown_as_it_is() -> None:
    agent = step_kinds.agent("otter", _read, _messages)
    assert agent.given(1) == {names.STEP_INPUT: {"read": 1}}
    assert agent.result(2) == {names.STEP_OUTPUT: {"read": 2}}


def test_tools_and_retrievals_show_what_they_are_given_and_give() -> None:
    tool = step_kinds.tool("weather", _read, description="Says it", call_id="t1")
    assert tool.attributes[names.TOOL_DESCRIPTION] == "Says it"
    assert tool.attributes[names.TOOL_CALL_ID] == "t1"
    assert tool.given(1) == {names.TOOL_CALL_ARGUMENTS: {"read": 1}}
    assert tool.result(2) == {names.TOOL_CALL_RESULT: {"read": 2}}
    retrieval = step_kinds.retrieval("shelf", _read)
    assert retrieval.given("where?") == {names.RETRIEVAL_QUERY_TEXT: "where?"}
    assert retrieval.result(["a"]) == {names.RETRIEVAL_DOCUMENTS: [{"read": "a"}]}
