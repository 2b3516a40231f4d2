"""Runs that are no model calls: graphs, agents, chains, tools, retrievers → name, attributes and content of a span."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from langfuse_otel.instrumentation import Attributes, Content
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.fields import field, fields, known, text
from langfuse_otel_langchain.messages import document, messages_of, plain

_AGENT = "langchain_create_agent"
_UNNAMED = "LangGraph"


class Kind(NamedTuple):
    """What a step is: its span's name and attributes, and how its input and output are read."""

    name: str
    attributes: Attributes
    input: Callable[[Any], Content]
    output: Callable[[Any], Content]


def chain(name: str, run: dict[str, Any]) -> Kind:
    """An agent, a workflow (what the application called itself), or a link of a chain."""
    metadata = fields(run.get("metadata"))
    agent = text(metadata, "lc_agent_name")
    if text(metadata, "ls_integration") == _AGENT and name == (agent or _UNNAMED):
        of_agent: Attributes = {names.AGENT_NAME: agent} if agent else {}
        return Kind(*_named(names.INVOKE_AGENT, agent, of_agent), _conversation, _answer)
    if run.get("parent_run_id") is None:
        return Kind(*_named(names.INVOKE_WORKFLOW, name, {names.WORKFLOW_NAME: name}), _conversation, _answer)
    return Kind(name, {names.STEP_TYPE: "chain"}, _input, _output)


def tool(name: str, serialized: Any, run: dict[str, Any]) -> Kind:
    """A tool's execution."""
    attributes = {
        names.TOOL_NAME: name,
        names.TOOL_TYPE: "function",
        names.TOOL_DESCRIPTION: text(serialized, "description"),
        names.TOOL_CALL_ID: text(run, "tool_call_id"),
    }
    return Kind(*_named(names.EXECUTE_TOOL, name, known(attributes)), _tool_input, _tool_output)


def retriever(name: str) -> Kind:
    """A retrieval."""
    return Kind(
        *_named(names.RETRIEVAL, name, {}),
        lambda query: {names.RETRIEVAL_QUERY_TEXT: query},
        lambda found: {names.RETRIEVAL_DOCUMENTS: [document(each) for each in found]},
    )


def _named(operation: str, subject: str | None, attributes: Attributes) -> tuple[str, Attributes]:
    name = f"{operation} {subject}" if subject else operation
    return name, {names.OPERATION_NAME: operation, **attributes}


def _input(given: Any) -> Content:
    return {names.STEP_INPUT: plain(given)}


def _output(result: Any) -> Content:
    return {names.STEP_OUTPUT: plain(result)}


def _conversation(given: Any) -> Content:
    messages = messages_of(given)
    return {names.INPUT_MESSAGES: messages} if messages else _input(given)


def _answer(result: Any) -> Content:
    """The last message of an agent's state: those before it are in the steps."""
    messages = messages_of(result)
    return {names.OUTPUT_MESSAGES: messages[-1:]} if messages else _output(result)


def _tool_input(given: Any) -> Content:
    return {names.TOOL_CALL_ARGUMENTS: plain(given)}


def _tool_output(result: Any) -> Content:
    return {names.TOOL_CALL_RESULT: plain(field(result, "content") if hasattr(result, "tool_call_id") else result)}
