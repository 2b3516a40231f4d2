"""The kinds of steps that frameworks have in common: links of chains, workflows, agents, tools, retrievals.

A framework says how its values are read: ``read`` gives a plain structure of anything, ``messages`` the messages in a
state or a conversation, none if it has none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.declare import Attributes, Content
from langfuse_otel.instrumentation.fields import known
from langfuse_otel.instrumentation.frameworks.steps import Kind
from langfuse_otel.instrumentation.messages import Message

Read = Callable[[Any], Any]
ReadMessages = Callable[[Any], list[Message]]


def link(name: str, read: Read) -> Kind:
    """A part of something larger that the conventions have no name for."""
    return Kind(
        name,
        {names.STEP_TYPE: "chain"},
        lambda given: {names.STEP_INPUT: read(given)},
        lambda result: {names.STEP_OUTPUT: read(result)},
    )


def workflow(name: str, read: Read, messages: ReadMessages) -> Kind:
    """What the application called itself, with all that it runs."""
    return _conversing(names.INVOKE_WORKFLOW, names.WORKFLOW_NAME, name, read, messages)


def agent(name: str | None, read: Read, messages: ReadMessages) -> Kind:
    """An agent, from what it is asked to its last message: those before it are in the steps."""
    return _conversing(names.INVOKE_AGENT, names.AGENT_NAME, name, read, messages)


def tool(name: str, read: Read, *, description: str | None = None, call_id: str | None = None) -> Kind:
    """A tool's run, for the call of a model that has the id ``call_id``."""
    told = {names.TOOL_TYPE: "function", names.TOOL_DESCRIPTION: description, names.TOOL_CALL_ID: call_id}
    return Kind(
        *_named(names.EXECUTE_TOOL, names.TOOL_NAME, name, known(told)),
        lambda given: {names.TOOL_CALL_ARGUMENTS: read(given)},
        lambda result: {names.TOOL_CALL_RESULT: read(result)},
    )


def retrieval(name: str | None, document: Read) -> Kind:
    """A search for documents, by the name of what is searched."""
    return Kind(
        *_named(names.RETRIEVAL, names.DATA_SOURCE_ID, name),
        lambda query: {names.RETRIEVAL_QUERY_TEXT: query},
        lambda found: {names.RETRIEVAL_DOCUMENTS: [document(each) for each in found]},
    )


def _conversing(operation: str, subject: str, name: str | None, read: Read, messages: ReadMessages) -> Kind:
    def given(value: Any) -> Content:
        conversation = messages(value)
        return {names.INPUT_MESSAGES: conversation} if conversation else {names.STEP_INPUT: read(value)}

    def result(value: Any) -> Content:
        conversation = messages(value)
        return {names.OUTPUT_MESSAGES: conversation[-1:]} if conversation else {names.STEP_OUTPUT: read(value)}

    return Kind(*_named(operation, subject, name), given, result)


def _named(
    operation: str, subject: str, name: str | None, attributes: Attributes | None = None
) -> tuple[str, Attributes]:
    told = known({names.OPERATION_NAME: operation, subject: name or None, **(attributes or {})})
    return f"{operation} {name}" if name else operation, told
