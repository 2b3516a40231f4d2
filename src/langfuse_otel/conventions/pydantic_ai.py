"""What Pydantic AI adds to the GenAI conventions (genai-semconv.md, section 12), in all versions of its data format.

It comes after them, because it completes the input that they make: its agents' spans have the system instructions by
their name and the conversation by its own, with the final answer at its end, and its model calls have the tools in
``model_request_parameters``.
``gen_ai.aggregated_usage.*`` of an agent repeats its model calls and is metadata by itself; see `agent_totals` for the
older name.
"""

from __future__ import annotations

from typing import Any

from langfuse_otel.conventions import chat_messages, foreign_parts, messages, usage, values
from langfuse_otel.conventions.convention import Convention, Field
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.observation import Message

_ALL_MESSAGES, _ALL_EVENTS, _EVENTS = "pydantic_ai.all_messages", "all_messages_events", "events"
_FINAL_RESULT, _REQUEST_PARAMETERS = "final_result", "model_request_parameters"
_TOOL_GROUPS = ("function_tools", "output_tools")
_COMPOSED_INPUTS = ("gen_ai", "pydantic_ai")
_EVENT_KEYS = frozenset(("event.name", "gen_ai.message.index", "gen_ai.system", "index"))


def _compose(reader: Reader) -> None:
    if _EVENTS in reader.mine:
        _events(reader)
    if _ALL_MESSAGES in reader.mine or _ALL_EVENTS in reader.mine:
        _conversation(reader)
    if _FINAL_RESULT in reader.mine:
        _result(reader)
    if _REQUEST_PARAMETERS in reader.mine:
        _tools(reader)


def _conversation(reader: Reader) -> None:
    """All of an agent's messages, after the system message that its instructions made, and without its answer."""
    for key in (_ALL_MESSAGES, _ALL_EVENTS):
        value = reader.mine.get(key)
        conversation = messages.conversation(value) if key == _ALL_MESSAGES else _event_messages(value)
        if not conversation:
            continue
        answered = reader.wants("output") and _is_answer(conversation[-1], reader.mine.get(_FINAL_RESULT))
        if _offer_conversation(reader, conversation[:-1] if answered else conversation):
            del reader.mine[key]
            if answered:
                del reader.mine[_FINAL_RESULT]
                reader.offer("output", conversation[-1])
            return


def _is_answer(message: Any, result: object) -> bool:
    """Whether a message says the agent's result. A result that is no text is a call of an output tool instead."""
    said = values.text(result)
    return said is not None and isinstance(message, Message) and (message.role, message.content) == ("assistant", said)


def _result(reader: Reader) -> None:
    result = values.content(reader.mine[_FINAL_RESULT])
    if result is not None and reader.wants("output"):
        del reader.mine[_FINAL_RESULT]
        reader.offer("output", result)


def _offer_conversation(reader: Reader, conversation: list[Any]) -> bool:
    """Offer it as the input, or continue with it the one that the GenAI conventions made; whether it has a place."""
    if reader.wants("input"):
        reader.offer("input", conversation or None)
        return True
    if reader.winners["input"][1] not in _COMPOSED_INPUTS:
        return False
    made = reader.fields["input"]
    system = made.get("messages") if isinstance(made, dict) else made
    if not isinstance(system, list) or any(getattr(message, "role", None) != "system" for message in system):
        return False
    whole = [message for message in system if message not in conversation] + conversation
    reader.fields["input"] = {**made, "messages": whole} if isinstance(made, dict) else whole
    return True


def _tools(reader: Reader) -> None:
    """Tools of a model call that has none by GenAI's name; the attribute, which says more, stays metadata."""
    conversation = reader.fields.get("input")
    request = values.json_object(reader.mine[_REQUEST_PARAMETERS])
    if request is None or not isinstance(conversation, list) or reader.winners["input"][1] not in _COMPOSED_INPUTS:
        return
    groups = [group for name in _TOOL_GROUPS if isinstance(group := request.get(name), list)]
    tools = [_tool(tool) for group in groups for tool in group if isinstance(tool, dict)]
    if tools:
        reader.fields["input"] = {"messages": conversation, "tools": tools}


def _tool(definition: dict[str, Any]) -> Any:
    known = ("name", "description", "parameters_json_schema")
    return foreign_parts.tool({key: definition[key] for key in known if key in definition})


def _events(reader: Reader) -> None:
    """Version 1: a JSON list of what are span events elsewhere; the choices are the output."""
    found = values.decoded(reader.mine[_EVENTS])
    if not isinstance(found, list) or not all(isinstance(event, dict) for event in found):
        return
    conversation = _event_messages([event for event in found if event.get("event.name") != "gen_ai.choice"])
    choices = [event.get("message") for event in found if event.get("event.name") == "gen_ai.choice"]
    if not reader.wants("input") or not reader.wants("output"):
        return
    if not all(isinstance(message, dict) for message in choices):
        return
    output = _event_messages([{"role": "assistant", **message} for message in choices if message is not None])
    del reader.mine[_EVENTS]
    reader.offer("input", conversation or None)
    if output:
        reader.offer("output", output[0] if len(output) == 1 else output)


def _event_messages(value: object) -> list[Any] | None:
    """Events as chat messages, without what only an event has."""
    events = values.decoded(value)
    if not isinstance(events, list):
        return None
    return chat_messages.messages(
        [_without_event(event) if isinstance(event, dict) else event for event in events], "user"
    )


def _without_event(event: dict[str, Any]) -> dict[str, Any]:
    return {"content": None, **{key: value for key, value in event.items() if key not in _EVENT_KEYS}}


CONVENTION = Convention(
    name="pydantic_ai",
    fields={
        "operation.cost": Field("cost", usage.total_cost),
        "tool_arguments": Field("input", values.content),
        "tool_response": Field("output", values.content),
    },
    parts=frozenset((_ALL_MESSAGES, _ALL_EVENTS, _EVENTS, _FINAL_RESULT, _REQUEST_PARAMETERS)),
    compose=_compose,
    composes={
        "input": (
            _EVENTS,
            f"{_ALL_MESSAGES} (after the system message by gen_ai)",
            f"{_ALL_EVENTS} (likewise)",
            f"{_REQUEST_PARAMETERS} (tools, beside the messages)",
        ),
        "output": (_EVENTS, f"{_ALL_MESSAGES} (last, if it is the result)", f"{_ALL_EVENTS} (likewise)", _FINAL_RESULT),
    },
)
