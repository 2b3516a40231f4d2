"""Messages that are in the OpenAI chat format already, as nearly all are that providers' clients send and get.

They need no detour by way of GenAI parts. What is read here is what `chat_messages` would make of them, in a fraction
of the time; anything out of the ordinary is left to it.
"""

from __future__ import annotations

from typing import Any

from langfuse_otel.conventions import parts, values
from langfuse_otel.observation import Message, ToolCall, ToolFunction

_TEXTS = frozenset(("role", "name", "finish_reason", "reasoning_content", "tool_call_id"))
_CHOICE_KEYS = frozenset(("message", "finish_reason", "index", "logprobs"))
_ANSWER_KEYS = frozenset(("role", "name", "content", "tool_call_id"))
_CALL_KEYS = frozenset(("id", "type", "function"))
_FUNCTION_KEYS = frozenset(("name", "arguments"))
_MEDIA = frozenset(("image_url", "input_audio"))


def message(item: Any, role: str) -> Message | None:
    """The message, or the choice's message; None if it has anything that is not plain. Nulls say nothing.

    ``role`` is that of a message that names none.
    """
    if type(item) is not dict:
        return None
    said, finish_reason = item, None
    if "message" in item:
        said, finish_reason = item["message"], item.get("finish_reason")
        is_plain = item.keys() <= _CHOICE_KEYS and type(item.get("index", 0)) is int and item.get("logprobs") is None
        if not is_plain or type(said) is not dict or "finish_reason" in said:
            return None
    texts: dict[str, str] = {}
    content: str | list[Any] | None = None
    calls: list[ToolCall] | None = None
    for key, value in said.items():
        if value is None:
            continue
        if key == "content":
            content = _content(value)
            if content is None:
                return None
        elif key == "tool_calls":
            calls = _calls(value)
            if calls is None:
                return None
        elif key in _TEXTS and type(value) is str and value:
            texts[key] = value
        else:
            return None
    role = texts.get("role", role)
    call_id = texts.get("tool_call_id")
    if role == "tool" and said is item and call_id and type(content) is str and said.keys() <= _ANSWER_KEYS:
        return Message(role, content, texts.get("name"), tool_call_id=call_id)
    if role == "tool" or call_id is not None or not ("content" in said or "role" in said):
        return None
    finish_reason = texts.get("finish_reason") if finish_reason is None else finish_reason
    if finish_reason is not None and type(finish_reason) is not str:
        return None
    return Message(role, content, texts.get("name"), calls, None, texts.get("reasoning_content"), finish_reason)


def _content(content: Any) -> str | list[Any] | None:
    """A text, which may be JSON text of blocks and then is not plain, or blocks of text and media."""
    if type(content) is str:
        return content if content and content[0] != "[" else None
    if type(content) is not list or not content:
        return None
    items: list[Any] = []
    for block in content:
        kind = block.get("type") if type(block) is dict else None
        if kind == "text" and len(block) == 2 and type(block.get("text")) is str:
            items.append(block["text"])
        elif kind in _MEDIA:
            items.append(block)
        else:
            return None
    return parts.joined(items)


def _calls(calls: Any) -> list[ToolCall] | None:
    if type(calls) is not list or not calls:
        return None
    made: list[ToolCall] = []
    for call in calls:
        if type(call) is not dict or not call.keys() <= _CALL_KEYS or call.get("type", "function") != "function":
            return None
        function, call_id = call.get("function"), call.get("id")
        if type(function) is not dict or not function.keys() <= _FUNCTION_KEYS or type(function.get("name")) is not str:
            return None
        if call_id is not None and type(call_id) is not str:
            return None
        made.append(ToolCall(ToolFunction(function["name"], arguments_text(function.get("arguments"))), call_id))
    return made


def arguments_text(arguments: Any) -> str:
    """Arguments as `parts` writes them: JSON without the spaces, so that equal calls are equal."""
    structure = values.decoded(arguments)
    return parts.arguments_text(structure if isinstance(structure, (dict, list)) else arguments)
