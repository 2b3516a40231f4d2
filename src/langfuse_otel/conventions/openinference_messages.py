"""Content of OpenInference (genai-semconv.md, section 10): its messages as messages of the OpenAI chat format.

It comes as what `indexed` makes of its flat attributes: ``[{"message": {"role": …, "content": …}}]``. What the chat
format has no place for is kept beside it: a content item that is not understood as it is, unknown keys under ``extra``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

import msgspec

from langfuse_otel.conventions import chat_format, values
from langfuse_otel.observation import Message, ToolCall, ToolFunction

# Kind of media → keys beside the URL that an item can carry; anything else leaves the item as it came.
_MEDIA = {
    "image": frozenset(("url",)),
    "video": frozenset(("url",)),
    "audio": frozenset(("url", "mime_type", "transcript")),
    "document": frozenset(("url", "mime_type", "name", "id", "content")),
}
_TEXTS = frozenset(("text", "reasoning"))
_TEXT_KEYS = ("input", "prompt", "query")  # what a request calls its text where it has no messages
_CONTENT_KEYS = frozenset(("messages", "tools", *_TEXT_KEYS))
_PLAIN = {"role", "content"}
_ROLES = {"model": "assistant"}  # as Gemini calls it
_decode_keys = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def conversation(listed: Any, role: str) -> list[Any] | None:
    """Chat messages of a list; ``role`` is that of messages that name none. None if it is no list, or empty.

    An item that is no message stays as it is.
    """
    return [_message(item, role) for item in listed] if isinstance(listed, list) and listed else None


def leaves(listed: Any, holder: str, name: str) -> list[Any] | None:
    """The values of ``[{holder: {name: value}}]``; None if it is anything else, or empty."""
    found: list[Any] = []
    for item in listed if isinstance(listed, list) else ():
        inner = item[holder] if _is_only(item, holder) else None
        if not _is_only(inner, name):
            return None
        found.append(inner[name])
    return found or None


def are_texts(listed: Any) -> bool:
    """Whether it is a list of texts with something in it."""
    return isinstance(listed, list) and bool(listed) and all(isinstance(item, str) for item in listed)


def documents(listed: Any) -> list[Any] | None:
    """Documents without the key around them, and with their metadata decoded; None if it is no list, or empty."""
    return [_document(item) for item in listed] if isinstance(listed, list) and listed else None


def tool_definitions(listed: Any) -> list[Any] | None:
    """Tools in the flat form of the GenAI conventions; None if there is one that is not JSON."""
    schemas = [values.json_object(schema) for schema in leaves(listed, "tool", "json_schema") or ()]
    return None if None in schemas else [_flat_tool(schema) for schema in schemas]


def repeats(raw: Any, said: Any, asked: Mapping[str, Any]) -> bool:
    """Whether a raw value has nothing that is not in the input or output ``said``, or among the parameters ``asked``.

    A text repeats a message with that content; a JSON object, one that says the same under its keys.
    """
    if raw == said:
        return True
    try:
        known = msgspec.to_builtins(said)
        messages = known.get("messages", [known]) if isinstance(known, dict) else known
        messages = messages if isinstance(messages, list) else [messages]
        texts = [text for message in messages for text in _texts(message)]
        if raw in texts:
            return True
        if isinstance(raw, str) and _says_more(raw, asked, known):
            return False
        structure = values.decoded(raw)
        if isinstance(structure, list):
            return bool(structure) and _within(structure, messages)
        if not isinstance(structure, dict) or not structure:
            return False
        for key in _TEXT_KEYS:
            if len(texts) == 1 and structure.get(key) in (texts[0], texts):
                del structure[key]
        if isinstance(known, dict):
            asked = {**asked, **known}
        conversation, tools = structure.pop("messages", messages), structure.pop("tools", None)
        return (
            _within(conversation, messages)
            and (tools is None or [_flat_tool(tool) for tool in tools] == asked.get("tools"))
            and _within(structure, asked)
        )
    except (RecursionError, TypeError):  # JSON nested deeper than the stack can compare, tools that are no list
        return False


def _message(item: Any, role: str) -> Any:
    said = item.get("message") if isinstance(item, dict) and len(item) == 1 else None
    if not isinstance(said, dict):
        return item
    if said.keys() == _PLAIN and isinstance(said["role"], str) and isinstance(said["content"], str):
        return Message(_ROLES.get(said["role"], said["role"]), said["content"])
    rest = dict(said)
    calls = _tool_calls(rest)
    content, reasoning, ordered_calls = _content(rest)
    for call in ordered_calls:  # may be repeated among the contents, for the sake of their order
        if not any(_same_call(call, known) for known in calls):
            calls.append(call)
    given_role = _take_text(rest, "role") or role
    return Message(
        role=_ROLES.get(given_role, given_role),
        content=content,
        name=_take_text(rest, "name"),
        tool_calls=calls or None,
        tool_call_id=_take_text(rest, "tool_call_id"),
        reasoning_content="\n".join(reasoning) if reasoning else None,
        finish_reason=_take_text(rest, "finish_reason"),
        extra=rest or None,
    )


def _content(said: dict[str, Any]) -> tuple[str | list[Any] | None, list[str], list[ToolCall]]:
    """Content, reasoning and tool calls of ``content`` and ``contents``, which are taken out of the message.

    What an item of text or reasoning has besides (ids and signatures, to be replayed) stays in ``contents``, by index.
    """
    items: list[Any] = []
    reasoning: list[str] = []
    calls: list[ToolCall] = []
    besides: dict[str, Any] = {}
    listed = said.pop("contents") if isinstance(said.get("contents"), list) else []
    for index, entry in enumerate(listed):
        found = entry.get("message_content") if isinstance(entry, dict) else None
        kind = found.get("type") if isinstance(found, dict) else None
        if kind == "tool_use" and (call := _tool_call(entry)) is not None:
            calls.append(call)
        elif not isinstance(found, dict) or len(entry) != 1 or not isinstance(kind, str):
            items.append(entry)
        elif kind in _TEXTS:
            text = _take_text(found, "text")
            if text is not None:
                (items if kind == "text" else reasoning).append(text)
            if text is None or len(found) > 1:
                besides[str(index)] = found
        else:
            items.append((_media_item(kind, found) if kind in _MEDIA else None) or found)
    plain = _take_text(said, "content")
    if plain is not None and (not items or plain not in ("", _joined(items), *items)):
        items.insert(0, plain)
    if besides:
        said["contents"] = besides
    return _joined(items), reasoning, calls


def _media_item(kind: str, content: dict[str, Any]) -> dict[str, Any] | None:
    """Media with a URL as the item that `parts` makes of a ``blob`` or ``uri``; None if there is anything else."""
    holder = content[kind] if content.keys() == {"type", kind} else None
    found = holder[kind] if _is_only(holder, kind) else None
    if not isinstance(found, dict) or not found.keys() <= _MEDIA[kind] or not isinstance(found.get("url"), str):
        return None
    rest = dict(found)
    url: str = rest.pop("url")
    item: dict[str, Any] = {"modality": kind}
    inline = url.startswith("data:")
    if inline and (mime_type := url[5:].partition(",")[0].partition(";")[0]):
        item["mime_type"] = mime_type
    item.update(rest)
    if kind == "image":
        return {**item, "type": "image_url", "image_url": {"url": url}}
    return {**item, "type": "file", "file": {"file_data" if inline else "file_url": url}}


def _joined(items: list[Any]) -> str | list[Any] | None:
    """Text if there is nothing else, joined as `parts` joins it; otherwise a list of content items."""
    if not items:
        return None
    if all(isinstance(item, str) for item in items):
        return "\n".join(items)
    return [{"type": "text", "text": item} if isinstance(item, str) else item for item in items]


def _tool_calls(said: dict[str, Any]) -> list[ToolCall]:
    """Tool calls, which are taken out of the message; what is none stays in it."""
    calls: list[ToolCall] = []
    if isinstance(said.get("tool_calls"), list):
        odd = []
        for entry in said.pop("tool_calls"):
            call = _tool_call(entry)
            if call is None:
                odd.append(entry)
            else:
                calls.append(call)
        if odd:
            said["tool_calls"] = odd
    name = _take_text(said, "function_call_name")  # as it was before tools
    if name is not None:
        calls.append(
            ToolCall(ToolFunction(name, chat_format.arguments_text(said.pop("function_call_arguments_json", None))))
        )
    return calls


def _tool_call(entry: Any) -> ToolCall | None:
    found = entry.get("tool_call") if isinstance(entry, dict) else None
    function = found.get("function") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return None
    rest = {key: value for key, value in found.items() if key != "function"}
    if more := {key: value for key, value in function.items() if key not in ("name", "arguments")}:
        rest["function"] = more
    rest.update((key, value) for key, value in entry.items() if key != "tool_call" and value != {"type": "tool_use"})
    call_id = _take_text(rest, "id")
    return ToolCall(
        ToolFunction(function["name"], chat_format.arguments_text(function.get("arguments"))), call_id, rest or None
    )


def _same_call(one: ToolCall, other: ToolCall) -> bool:
    return one.function == other.function and (one.id == other.id or one.id is None or other.id is None)


def _take_text(source: dict[str, Any], key: str) -> str | None:
    """The text under ``key``, which is taken out; a value that is no text stays."""
    return source.pop(key) if isinstance(source.get(key), str) else None


def _is_only(found: Any, key: str) -> TypeGuard[dict[str, Any]]:
    return isinstance(found, dict) and found.keys() == {key}


def _document(item: Any) -> Any:
    found = item["document"] if _is_only(item, "document") else None
    if not isinstance(found, dict):
        return item
    metadata = values.json_object(found.get("metadata"))
    return found if metadata is None else {**found, "metadata": metadata}


def _flat_tool(tool: Any) -> Any:
    """``{"type": "function", "function": {…}}``, as chat requests nest it, without the nesting."""
    function = tool.get("function") if isinstance(tool, dict) and tool.keys() == {"type", "function"} else None
    return {"type": tool["type"], **function} if isinstance(function, dict) and "type" not in function else tool


def _says_more(raw: str, asked: Mapping[str, Any], known: Any) -> bool:
    """Whether JSON text of an object has a key that nobody knows, which takes no decoding of what is under the keys."""
    if not raw.startswith("{"):
        return False
    try:
        entries = _decode_keys(raw)
    except (msgspec.MsgspecError, UnicodeError):
        return False
    unknown = set(entries).difference(_CONTENT_KEYS, asked, known if isinstance(known, dict) else ())
    return any(bytes(entries[key]) != b"null" for key in unknown)


def _texts(message: Any) -> list[str]:
    content = message.get("content") if isinstance(message, dict) else message
    items = content if isinstance(content, list) else [content]
    texts = [item.get("text") if isinstance(item, dict) else item for item in items]
    return [text for text in texts if isinstance(text, str)]


def _within(structure: Any, known: Any) -> bool:
    """Whether each entry of an object, at any depth, is null or the same in the other, which may have more."""
    if structure == known:
        return True
    if isinstance(structure, dict) and isinstance(known, Mapping):
        return all(value is None or _within(value, known.get(key)) for key, value in structure.items())
    if isinstance(structure, list) and isinstance(known, list):
        return len(structure) == len(known) and all(map(_within, structure, known))
    return isinstance(structure, str) and isinstance(known, str) and chat_format.arguments_text(structure) == known
