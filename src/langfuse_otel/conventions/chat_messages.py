"""Messages as providers and libraries have written them, made GenAI parts, so that `parts` makes them chat messages.

They are OpenAI's messages and choices, with content in blocks of OpenAI's, Anthropic's or Bedrock's kind, and tool
calls nested or flat.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langfuse_otel.conventions import anthropic_messages, chat_format, foreign_parts, parts, values
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.observation import Message

_MESSAGE_KEYS = frozenset(("role", "content", "message", "tool_calls", "function_call", "refusal", "reasoning"))
_THOUGHTS = ("reasoning", "reasoning_content")
_CALL_TYPES = ("function", "function_call", "tool_call")
_BEDROCK_BLOCKS: dict[str, tuple[str, Mapping[str, str]]] = {
    "toolUse": ("tool_call", {"toolUseId": "id", "input": "arguments"}),
    "toolResult": ("tool_call_response", {"toolUseId": "id", "content": "response"}),
}


def messages(items: list[Any], role: str) -> list[Any]:
    """Chat messages of decoded messages in any of these forms; what is none stays as it is.

    ``role`` is that of messages that name none.
    """
    return parts.conversation([chat_format.message(item, role) or _with_parts(item, role) for item in items])


def of_text(value: object, role: str) -> Any:
    """Messages of one JSON text, or the text."""
    found = values.decoded(value)
    items = found if isinstance(found, list) else [found]
    if items and all(is_message(item) for item in items):
        return messages(items, role)
    return values.content(value)


def is_message(item: Any) -> bool:
    """Whether it is a message in one of these forms, or one of GenAI parts."""
    return isinstance(item, dict) and (not _MESSAGE_KEYS.isdisjoint(item) or isinstance(item.get("parts"), list))


def settle(reader: Reader, field: str, found: Any) -> bool:
    """Offer a field, a single message of an output as itself; whether the observation says it now."""
    if field == "output" and isinstance(found, list) and len(found) == 1:
        found = found[0]
    if found and reader.wants(field):
        reader.offer(field, found)
    return bool(found) and bool(reader.fields.get(field) == found)


def _with_parts(item: Any, role: str) -> Any:
    """A message of GenAI parts, or a tool's answer; keys that have no place in it stay beside them."""
    if isinstance(item, str):
        item = {"content": item}
    if not is_message(item) or isinstance(item.get("parts"), list):
        return item
    said = {key: value for key, value in _without_choice(item).items() if value is not None}
    if said.get("role", "") == "":
        said["role"] = role
    if "parts" in said:
        return said
    found: list[Any] = []
    for key in _THOUGHTS:
        if isinstance(said.get(key), str):
            found.append({"type": "reasoning", "content": said.pop(key)})
    raw = said.pop("content", None)
    content = _content_parts(raw)
    if said["role"] == "tool" and not any(_kind(part) == "tool_call_response" for part in content):
        return _tool_answer(said, raw)
    found.extend(content)
    if isinstance(said.get("refusal"), str):
        found.append({"type": "refusal", "refusal": said.pop("refusal")})
    calls = said.get("tool_calls")
    calls = values.decoded(calls) if isinstance(calls, str) else calls
    if isinstance(calls, list):
        made = [_call_part(call) for call in calls]
        found.extend(part for part in made if part is not None)
        said["tool_calls"] = [call for call, part in zip(calls, made, strict=True) if part is None]
        if not said["tool_calls"]:
            del said["tool_calls"]
    call = _call_part(said.get("function_call"))
    if call is not None:
        found.append(call)
        del said["function_call"]
    return {**said, "parts": found}


def _tool_answer(said: dict[str, Any], content: Any) -> Message:
    """``id`` in an event, and ``tool_call_id`` elsewhere, is of the call that is answered."""
    role, name = said.pop("role"), said.pop("name") if isinstance(said.get("name"), str) else None
    key = next((key for key in ("tool_call_id", "id") if isinstance(said.get(key), str)), None)
    call_id = None if key is None else said.pop(key)
    return Message(role, parts.answer_text(_answer(content)), name, tool_call_id=call_id, extra=said or None)


def _without_choice(item: dict[str, Any]) -> dict[str, Any]:
    """A message by itself: a choice has it under ``message``, as an object, as its JSON text, or the content alone."""
    if "message" not in item:
        return dict(item)
    said = {key: value for key, value in item.items() if key != "message" and value is not None}
    if isinstance(said.get("index"), int):
        del said["index"]  # choices are in order
    inner = item["message"]
    found = values.decoded(inner)
    if isinstance(found, dict) and is_message(found) and all(said.get(key, found[key]) == found[key] for key in found):
        return {**said, **found}
    if "content" not in said:
        return {**said, "content": inner}
    return dict(item)


def _content_parts(content: Any) -> list[Any]:
    """Content as parts."""
    blocks = _blocks(content)
    if blocks is not None:
        return [_block_part(block) if isinstance(block, dict) else block for block in blocks]
    if isinstance(content, str):
        return [{"type": "text", "content": content}] if content else []
    return [] if content is None else [content]


def _blocks(content: Any) -> list[Any] | None:
    """Content in blocks of OpenAI's, Anthropic's or Bedrock's kind, also as their JSON text; None if it is another."""
    if isinstance(content, list):
        return content
    found = values.decoded(content) if isinstance(content, str) and content.startswith("[") else None
    return found if isinstance(found, list) and found and all(_is_block(block) for block in found) else None


def _is_block(block: Any) -> bool:
    if not isinstance(block, dict):
        return False
    return isinstance(_kind(block), str) or (
        len(block) == 1 and not block.keys().isdisjoint(("text", *_BEDROCK_BLOCKS))
    )


def _kind(part: Any) -> Any:
    return part.get("type") if isinstance(part, dict) else None


def _block_part(block: dict[str, Any]) -> dict[str, Any]:
    text = _text(block)
    if text is not None:
        return {"type": "text", "content": text}
    key = next((key for key in _BEDROCK_BLOCKS if block.keys() == {key} and isinstance(block[key], dict)), None)
    made = anthropic_messages.part(block) if key is None else foreign_parts.renamed(block[key], *_BEDROCK_BLOCKS[key])
    return {**made, "response": _answer(made.get("response"))} if made.get("type") == "tool_call_response" else made


def _text(block: Any) -> str | None:
    """The text of a block that is nothing else."""
    if not isinstance(block, dict) or {"type": "text", **block}.keys() != {"type", "text"}:
        return None
    text = block.get("text")
    return text if isinstance(text, str) and block.get("type", "text") == "text" else None


def _answer(content: Any) -> Any:
    """A tool's answer, by its text if it is blocks of nothing else."""
    texts = [_text(block) for block in _blocks(content) or ()]
    return "\n".join(filter(None, texts)) if texts and None not in texts else content


def _call_part(call: Any) -> dict[str, Any] | None:
    """A tool call as the chat format nests it, or flat, as OpenLLMetry indexes it; None if it has no name."""
    if not isinstance(call, dict):
        return None
    rest = dict(call)
    named = rest.pop("function") if isinstance(rest.get("function"), dict) else {}
    rest.update(named)
    if not isinstance(rest.get("name"), str) or rest.pop("type", "function") not in _CALL_TYPES:
        return None
    arguments = values.decoded(rest.get("arguments"))
    if isinstance(arguments, (dict, list)):
        rest["arguments"] = arguments
    return {**rest, "type": "tool_call"}
