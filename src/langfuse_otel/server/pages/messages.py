"""An observation's input or output as what it is: a conversation, other JSON, or text.

Conversations come as OpenAI's chat messages and Responses items, Anthropic's content blocks and OpenTelemetry's
parts; alone, in a list, or under ``messages`` beside ``tools``. What a message says beyond what is known here is shown
as JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from langfuse_otel.server.pages.json_text import pretty, structure
from langfuse_otel.server.pages.media import media

_ROLES = {"developer": "system", "human": "user", "ai": "assistant", "model": "assistant", "function": "tool"}
_SPOKEN = ("content", "parts", "tool_calls", "function_call", "reasoning_content", "refusal")
_KNOWN = frozenset((*_SPOKEN, "role", "name", "type", "id", "status", "index", "tool_call_id", "finish_reason"))
_TEXTS = frozenset({"text", "input_text", "output_text", "summary_text", "reasoning_text", "refusal"})
_REASONING = frozenset({"reasoning", "thinking"})
_CALLS = frozenset({"tool_call", "tool_use", "tool-call", "function_call", "server_tool_call"})
_ANSWERS = frozenset({"tool_call_response", "tool_result", "tool-result", "function_call_output"})
_MEDIA = frozenset(
    {
        "image",
        "image_url",
        "input_image",
        "audio",
        "input_audio",
        "file",
        "input_file",
        "document",
        "blob",
        "uri",
        "media",
    }
)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a message; ``kind`` is text, json, reasoning, call, answer, image or note.

    Attributes:
        text: What to show.
        title: The name of the tool that is called; the source of an image.
    """

    kind: str
    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One speaker's turn. ``role`` is system, user, assistant, tool, or what else was given; ``label`` says more."""

    role: str
    label: str
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model was offered; ``schema`` is the JSON of its parameters."""

    name: str
    description: str
    schema: str


@dataclass(frozen=True, slots=True)
class Content:
    """Input or output: ``messages`` if it is a conversation, else ``json`` or ``text``.

    Attributes:
        raw: As it was stored.
        tools: That came with the messages.
        rest: JSON of what else stood beside the messages.
    """

    raw: str
    text: str | None = None
    json: str | None = None
    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()
    rest: str | None = None


def content(raw: str) -> Content:
    """What a stored text is; never raises."""
    value = structure(raw)
    if value is None:
        return Content(raw, text=raw)
    items, tools, rest = _conversation(value)
    if any(_is_message(item) for item in items):
        return Content(
            raw,
            messages=tuple(_message(item) for item in items),
            tools=tuple(_tool(tool) for tool in tools),
            rest=pretty(rest) if rest else None,
        )
    return Content(raw, json=pretty(value))


def _conversation(value: list[Any] | dict[str, Any]) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """What may be messages, the tools beside them, and what else is there."""
    if isinstance(value, list):
        return value, [], {}
    if _is_message(value):
        return [value], [], {}
    for name in ("messages", "choices", "output"):
        items = value.get(name)
        if isinstance(items, list):
            tools = value.get("tools")
            taken = {name, "tools"} if isinstance(tools, list) else {name}
            rest = {key: other for key, other in value.items() if key not in taken}
            return [_chosen(item) for item in items], tools if isinstance(tools, list) else [], rest
    return [], [], {}


def _chosen(item: Any) -> Any:
    """The message of an item of a completion's ``choices``."""
    return item["message"] if isinstance(item, dict) and isinstance(item.get("message"), dict) else item


def _is_message(item: Any) -> bool:
    if not isinstance(item, dict):
        return False
    if isinstance(item.get("role"), str):
        return any(name in item for name in _SPOKEN)
    kind = item.get("type")
    return isinstance(kind, str) and (
        (kind in ("function_call", "function_call_output") and "call_id" in item)
        or (kind == "reasoning" and "summary" in item)
    )


def _message(item: Any) -> Message:
    if not _is_message(item):
        return Message("other", "other", [*_parts(item)])
    given = item.get("role")
    if given is None:  # an item of the Responses API
        role = given = "tool" if item["type"] == "function_call_output" else "assistant"
        return Message(role, _label(given, item), [*_part(item)])
    role = _ROLES.get(given.lower(), given.lower())
    parts = [*_reasoning(item.get("reasoning_content")), *_parts(item.get("content")), *_parts(item.get("parts"))]
    parts += _parts(item.get("refusal"))
    calls = item.get("tool_calls")
    for call in (*(calls if isinstance(calls, list) else [calls]), item.get("function_call")):
        if call is not None:
            parts.append(_call(call))
    rest = {name: value for name, value in item.items() if name not in _KNOWN and value not in (None, [], {}, "")}
    if rest:
        parts.append(Part("json", pretty(rest)))
    return Message(role, _label(given, item), parts)


def _label(role: str, item: dict[str, Any]) -> str:
    words = (role, item.get("name"), item.get("tool_call_id") or item.get("call_id"), item.get("finish_reason"))
    return " · ".join(word for word in words if isinstance(word, str) and word)


def _parts(value: Any) -> Iterator[Part]:
    if value is None:
        return
    if isinstance(value, str):
        yield Part("text" if structure(value) is None else "json", pretty(value))
        return
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield Part("text", item)
        elif isinstance(item, dict):
            yield from _part(item)
        else:
            yield Part("json", pretty(item))


def _part(item: dict[str, Any]) -> Iterator[Part]:
    kind = item.get("type")
    if not isinstance(kind, str):
        yield from [Part("text", item["text"])] if _is_only_text(item) else [Part("json", pretty(item))]
    elif kind in _REASONING:
        yield from _reasoning(
            [item[name] for name in ("summary", "content", "thinking", "text", "reasoning") if item.get(name)]
        )
    elif kind in _TEXTS:
        text = next((item[name] for name in ("text", "content", "refusal") if isinstance(item.get(name), str)), None)
        yield Part("json", pretty(item)) if text is None else Part("text", text)
    elif kind in _CALLS:
        yield _call(item)
    elif kind in _ANSWERS:
        yield _answer(item)
    elif kind in _MEDIA:
        found = media(item)
        yield Part("image", found.note, found.image) if found.image else Part("note", found.note)
    else:
        yield Part("json", pretty(item))


def _is_only_text(item: dict[str, Any]) -> bool:
    return list(item) == ["text"] and isinstance(item["text"], str)


def _reasoning(value: Any) -> Iterator[Part]:
    """Thoughts, wherever in lists of texts and parts they are; one part for each."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting += reversed(item)
        elif isinstance(item, dict):
            inner = item.get("text") or item.get("content")
            yield Part("reasoning", inner if isinstance(inner, str) else pretty(item))
        elif item is not None:
            yield Part("reasoning", pretty(item))


def _call(call: Any) -> Part:
    """A call in any of the forms: arguments are JSON text or a value."""
    if not isinstance(call, dict):
        return Part("json", pretty(call))
    function = call["function"] if isinstance(call.get("function"), dict) else call
    name = next((function[key] for key in ("name", "toolName") if isinstance(function.get(key), str)), None)
    given = [function[key] for key in ("arguments", "input", "args") if function.get(key) is not None]
    if name is None:
        return Part("json", pretty(call))
    return Part("call", pretty(given[0]) if given else "{}", name)


def _answer(item: dict[str, Any]) -> Part:
    given = [item[key] for key in ("response", "result", "content", "output") if item.get(key) is not None]
    name = item.get("name") or item.get("toolName")
    return Part("answer", pretty(given[0]) if given else "", name if isinstance(name, str) else "")


def _tool(tool: Any) -> Tool:
    if not isinstance(tool, dict):
        return Tool("tool", "", pretty(tool))
    function = tool["function"] if isinstance(tool.get("function"), dict) else tool
    name, description = function.get("name") or tool.get("type"), function.get("description")
    schema = next((function[key] for key in ("parameters", "input_schema", "inputSchema") if key in function), tool)
    return Tool(
        name if isinstance(name, str) else "tool", description if isinstance(description, str) else "", pretty(schema)
    )
