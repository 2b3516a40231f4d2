"""Messages with parts of any kind, known or not, as messages of the OpenAI chat format.

What the chat format has no place for is kept beside it: a part of an unknown kind as an item of the content, unknown
keys under ``extra``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langfuse_otel.json_encoding import to_text
from langfuse_otel.observation import Message, ToolCall, ToolFunction

_MESSAGE_KEYS = frozenset(("role", "parts", "name", "finish_reason"))
_TOOL_CALL_KEYS = frozenset(("type", "id", "name", "arguments", "server_tool_call"))
_TOOL_ANSWER_KEYS = frozenset(("type", "id", "name", "response", "result"))
_REASONING = frozenset(("reasoning", "thinking"))


def conversation(items: list[Any]) -> list[Any]:
    """Chat messages of a decoded list; an item that is no message with parts stays as it is."""
    messages: list[Any] = []
    for item in items:
        if isinstance(item, dict) and isinstance(item.get("parts"), list):
            _append(messages, item)
        else:
            messages.append(item)
    return messages


def system_message(instructions: Any) -> Message | None:
    """The system message of decoded instructions: a list of parts or of messages, one of either, or a text.

    A message that says more than its parts, and all of instructions that make more than one message, stay as they are.
    """
    parts: list[Any] = []
    for item in instructions if isinstance(instructions, list) else [instructions]:
        is_message = isinstance(item, dict) and isinstance(item.get("parts"), list)
        if is_message and {"role": "system", **item, "parts": None} == {"role": "system", "parts": None}:
            parts.extend(item["parts"])
        else:
            parts.append(item)
    messages: list[Any] = []
    _append(messages, {"role": "system", "parts": parts})
    if len(messages) > 1:
        return Message("system", parts)
    return messages[0] if parts else None


def arguments_text(arguments: object) -> str:
    """A tool call's arguments as JSON text; text is taken for it."""
    return "{}" if arguments is None else _text(arguments)


def answer_text(answer: object) -> str | None:
    """A tool's answer as text."""
    return None if answer is None else _text(answer)


def _text(value: object) -> str:
    return value if isinstance(value, str) else to_text(value)


def _append(messages: list[Any], item: dict[str, Any]) -> None:
    """Append the chat messages that one message makes: one, and one more for each tool's answer in it."""
    content: list[Any] = []
    reasoning: list[str] = []
    calls: list[ToolCall] = []
    answers: list[Message] = []
    for part in item["parts"]:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind is None:
            content.append(part)
        elif kind in ("tool_call", "server_tool_call") and isinstance(part.get("name"), str):
            calls.append(_tool_call(part))
        elif kind == "tool_call_response":
            answers.append(_tool_answer(part))
        elif len(part) == 2 and isinstance(part.get("content"), str) and kind in ("text", *_REASONING):
            (content if kind == "text" else reasoning).append(part["content"])
        else:
            content.append(content_item(part))
    extra = {key: value for key, value in item.items() if key not in _MESSAGE_KEYS}
    role = _pick_text(item, "role", extra)
    name = _pick_text(item, "name", extra)
    finish_reason = _pick_text(item, "finish_reason", extra)
    messages.extend(answers)
    if content or calls or reasoning or name or finish_reason or extra or not answers:
        messages.append(
            Message(
                role or "user",
                joined(content),
                name,
                calls or None,
                reasoning_content="\n".join(reasoning) if reasoning else None,
                finish_reason=finish_reason,
                extra=extra or None,
            )
        )


def _pick_text(source: dict[str, Any], key: str, extra: dict[str, Any]) -> str | None:
    """The text under ``key``; a value that is no text goes to ``extra``."""
    value = source.get(key)
    if value is None or isinstance(value, str):
        return value
    extra[key] = value
    return None


def joined(items: list[Any]) -> str | list[Any] | None:
    """Text if there is nothing else, joined by line as the server joins parts; otherwise a list of content items."""
    if not items:
        return None
    if all(isinstance(item, str) for item in items):
        return "\n".join(items)
    return [{"type": "text", "text": item} if isinstance(item, str) else item for item in items]


def _tool_call(part: dict[str, Any]) -> ToolCall:
    extra = {key: value for key, value in part.items() if key not in _TOOL_CALL_KEYS}
    call_id = _pick_text(part, "id", extra)
    arguments = part.get("arguments")
    if "server_tool_call" in part:
        arguments, other = part["server_tool_call"], arguments
        if other is not None:
            extra["arguments"] = other
    return ToolCall(ToolFunction(part["name"], arguments_text(arguments)), call_id, extra or None)


def _tool_answer(part: dict[str, Any]) -> Message:
    extra = {key: value for key, value in part.items() if key not in _TOOL_ANSWER_KEYS}
    call_id, name = _pick_text(part, "id", extra), _pick_text(part, "name", extra)
    answer = part.get("response")
    if answer is None:
        answer = part.get("result")
    elif "result" in part:
        extra["result"] = part["result"]
    return Message("tool", answer_text(answer), name, tool_call_id=call_id, extra=extra or None)


def content_item(part: dict[str, Any]) -> dict[str, Any]:
    """A part as an item of a chat message's content, with all its other keys; one of an unknown kind as it is."""
    kind = part.get("type")
    key, write = _CONTENT_ITEMS.get(kind, _UNKNOWN_ITEM) if isinstance(kind, str) else _UNKNOWN_ITEM
    if not isinstance(part.get(key), str):
        return part
    rest = {name: value for name, value in part.items() if name not in ("type", key)}
    return {**rest, **write(part)}


def _text_item(part: dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": part["content"]}


def _blob_item(part: dict[str, Any]) -> dict[str, Any]:
    """Base64 media as a data URL, the form in which media are found for upload; Vercel's SDK writes one already."""
    content = part["content"]
    url = content if content.startswith("data:") else f"data:{_mime_type(part)};base64,{content}"
    return _media_item(part, url, "file_data")


def _uri_item(part: dict[str, Any]) -> dict[str, Any]:
    return _media_item(part, part["uri"], "file_url")


def _file_item(part: dict[str, Any]) -> dict[str, Any]:
    return {"type": "file", "file": {"file_id": part["file_id"]}}


def _media_item(part: dict[str, Any], url: str, file_key: str) -> dict[str, Any]:
    if part.get("modality") == "image" or _mime_type(part).startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "file", "file": {file_key: url}}


def _mime_type(part: dict[str, Any]) -> str:
    mime_type = part.get("mime_type")
    return mime_type if isinstance(mime_type, str) else "application/octet-stream"


_Write = Callable[[dict[str, Any]], dict[str, Any]]
_UNKNOWN_ITEM: tuple[str, _Write] = ("", dict)
# Kind of part → the key that it cannot be without, and how it is written.
_CONTENT_ITEMS: dict[str, tuple[str, _Write]] = {
    "text": ("content", _text_item),
    "blob": ("content", _blob_item),
    "uri": ("uri", _uri_item),
    "file": ("file_id", _file_item),
}
