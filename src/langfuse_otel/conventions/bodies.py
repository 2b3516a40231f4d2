"""Bodies of requests to OpenAI's API and of its responses, which some libraries write down whole.

Of each its parts go where they belong: messages and tools are the input, other arguments the parameters, choices the
output, and the usage the usage. What has no field becomes metadata under the attribute's own key, but for nulls, which
are what the request or the response does not say.
"""

from __future__ import annotations

from typing import Any

from langfuse_otel.conventions import chat_messages, foreign_parts, usage, values
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.observation import Message

_INPUT_KEYS = ("messages", "input", "prompt")
_DATA = "data"  # of embeddings and images


def take_request(reader: Reader, key: str, body: dict[str, Any]) -> bool:
    """Read the request of the part ``key``; whether there was an input to read. If not, the part stays where it is."""
    model = values.text(body.get("model"))
    if "model" not in reader.fields:
        reader.offer("model", model)
    asked = next((name for name in _INPUT_KEYS if body.get(name)), None)
    found = _conversation(body[asked]) if asked == "messages" else body.get(asked or "")
    if asked is None or found is None or not reader.wants("input"):
        return False
    del reader.mine[key], body[asked]
    tools = body.get("tools")
    if isinstance(tools, list) and tools:
        del body["tools"]
        found = {"messages": found, "tools": [_tool(tool) for tool in tools]}
    reader.offer("input", found)
    rest = {name: value for name, value in body.items() if value is not None}
    if rest.get("model") == reader.fields.get("model"):
        rest.pop("model", None)
    if reader.wants("model_parameters"):
        reader.offer("model_parameters", {name: value for name, value in rest.items() if name != "model"} or None)
        rest = {name: value for name, value in rest.items() if name == "model"}
    _keep(reader, key, rest)
    return True


def take_response(reader: Reader, key: str, body: dict[str, Any]) -> bool:
    """Read the response of the part ``key``; whether there was an output to read. If not, the part stays."""
    choices = _conversation(body.get("choices"), "assistant")
    said = body.get(_DATA) if choices is None else choices
    if not isinstance(said, list) or not chat_messages.settle(reader, "output", said):
        return False
    del reader.mine[key], body[_DATA if choices is None else "choices"]
    spent = body.get("usage")
    counted, complete = usage.of_answer(spent) if isinstance(spent, dict) else ({}, False)
    if counted and reader.wants("usage"):
        reader.offer("usage", counted)
        if complete:
            del body["usage"]
    if body.get("model") == reader.fields.get("model"):
        body.pop("model", None)
    _keep(reader, key, {name: value for name, value in body.items() if value is not None})
    return True


def _conversation(found: object, role: str = "user") -> list[Any] | None:
    """Chat messages of a list of messages; None if it is none."""
    if not isinstance(found, list) or not found:
        return None
    are_messages = all(isinstance(item, Message) or chat_messages.is_message(item) for item in found)
    return chat_messages.messages(found, role) if are_messages else None


def _tool(definition: Any) -> Any:
    """A tool without the layer that the chat API has around it."""
    function = definition.get("function") if isinstance(definition, dict) else None
    if not isinstance(function, dict) or not definition.keys() <= {"type", "function"}:
        return foreign_parts.tool(definition)
    return foreign_parts.tool({**function, "type": definition.get("type", "function")})


def _keep(reader: Reader, key: str, rest: dict[str, Any]) -> None:
    if rest:
        reader.metadata[key] = rest
