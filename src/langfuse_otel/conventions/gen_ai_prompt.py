"""GenAI conventions before v1.37 that write content as attributes (genai-semconv.md, sections 4, 8 and 9).

It was one JSON text (``gen_ai.prompt``: messages, or, of LangSmith, the whole request), or indexed attributes
(``gen_ai.prompt.0.role``, of OpenLLMetry). Other old names are among the new ones in `gen_ai` and `usage`, or metadata.
"""

from __future__ import annotations

from typing import Any

from langfuse_otel.conventions import bodies, chat_messages, foreign_parts, values
from langfuse_otel.conventions.convention import Convention
from langfuse_otel.conventions.indexed import unflatten
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.json_safe import json_safe

_PROMPT, _COMPLETION = "gen_ai.prompt", "gen_ai.completion"
_FIELDS = {_PROMPT: ("input", "user"), _COMPLETION: ("output", "assistant")}
"""Attribute key, or prefix → field, and the role of messages that name none."""
_FUNCTIONS = "llm.request.functions."


def _compose(reader: Reader) -> None:
    for key, (field, role) in _FIELDS.items():
        _indexed(reader, key + ".", field, role)
        if key in reader.mine and not _body(reader, key):
            found = chat_messages.of_text(reader.mine[key], role)
            if found is not None and chat_messages.settle(reader, field, found):
                del reader.mine[key]
    if _FUNCTIONS in reader.parts:
        _functions(reader)


def _body(reader: Reader, key: str) -> bool:
    """Read a whole request or response; whether it was one, be it one that says nothing (``{"output": null}``)."""
    body = values.json_object(reader.mine[key])
    if body is None:
        return False
    take = bodies.take_request if key == _PROMPT and "messages" in body else bodies.take_response
    return take(reader, key, body) or all(value is None for value in body.values())


def _indexed(reader: Reader, prefix: str, field: str, role: str) -> None:
    """A family of messages. What has no index is about the request, and metadata (``prompt_filter_results``)."""
    family = reader.parts.get(prefix)
    if not family:
        return
    listed = {name: json_safe(value) for name, value in family.items() if name[:1].isdigit()}
    items = unflatten(listed)
    said = chat_messages.messages(_joined(items, role), role) if isinstance(items, list) else None
    read = chat_messages.settle(reader, field, said)
    reader.put_back(prefix + name for name in reader.family(prefix) if not (read and name in listed))


def _functions(reader: Reader) -> None:
    """The tools that go with the messages, which are indexed too: ``{messages, tools}``, as `gen_ai` has it."""
    definitions = unflatten({name: json_safe(value) for name, value in reader.parts[_FUNCTIONS].items()})
    held = reader.winners.get("input")
    conversation = [] if held is None else reader.fields["input"]
    ours = held is None or held[1] == reader.origin
    if ours and isinstance(conversation, list) and isinstance(definitions, list):
        tools = [_tool(definition) for definition in definitions]
        reader.family(_FUNCTIONS)
        reader.offer("input", conversation)
        reader.fields["input"] = {"messages": conversation, "tools": tools}


def _tool(definition: Any) -> Any:
    if not isinstance(definition, dict):
        return definition
    parameters = values.decoded(definition.get("parameters"))
    return foreign_parts.tool(definition if parameters is None else {**definition, "parameters": parameters})


def _joined(items: list[Any], role: str) -> list[Any]:
    """One message where one was written as several, and ``{"user": text}``, of completions, as a message.

    OpenLLMetry gives thoughts a message with the role ``thinking`` before that of the answer, and the texts of an
    embedding a message each, without a role.
    """
    joined: list[Any] = []
    thought: dict[str, Any] = {}
    for item in items:
        if _is_thought(item):
            rest = {key: value for key, value in item.items() if key not in ("role", "content")}
            thoughts = filter(None, (thought.get("reasoning"), item["content"]))
            thought = {**thought, **rest, "reasoning": "\n".join(thoughts)}
            continue
        said = {"content": item["user"]} if isinstance(item, dict) and item.keys() == {"user"} else item
        if thought and isinstance(said, dict) and all(said.get(key, value) == value for key, value in thought.items()):
            said = {**thought, **said}
        elif thought:
            joined.append(thought)
        joined.append(said)
        thought = {}
    if thought:
        joined.append(thought)
    texts = [item.get("content") for item in joined if isinstance(item, dict) and item.keys() == {"content"}]
    if role == "user" and len(texts) == len(joined) > 1 and all(isinstance(text, str) for text in texts):
        return [{"content": [{"type": "text", "text": text} for text in texts]}]
    return joined


def _is_thought(item: Any) -> bool:
    if not isinstance(item, dict) or item.get("role") != "thinking" or "reasoning" in item:
        return False
    return isinstance(item.get("content"), str)


CONVENTION = Convention(
    name="gen_ai_prompt",
    parts=frozenset(_FIELDS),
    families=(*(key + "." for key in _FIELDS), _FUNCTIONS),
    compose=_compose,
    composes={
        "input": ("gen_ai.prompt.*", "gen_ai.prompt", f"{_FUNCTIONS}* (beside the messages)"),
        "output": ("gen_ai.completion.*", "gen_ai.completion"),
        "model": ("gen_ai.prompt (of a whole request, if nothing else says it)",),
        "model_parameters": ("gen_ai.prompt (of a whole request)",),
        "usage": ("gen_ai.completion (of a whole response)",),
        "metadata": ("gen_ai.prompt (the rest of a whole request)", "gen_ai.completion (the rest of a whole response)"),
    },
)
