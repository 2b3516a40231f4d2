"""Messages of other formats, respelled as GenAI parts, so that `parts` makes the same chat messages of all of them.

Keys that have no GenAI name stay beside the others, and `parts` keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from langfuse_otel.conventions import parts, values

Respell = Callable[[dict[str, Any]], dict[str, Any]]
"""A part of another format → a GenAI part; a part of an unknown kind comes back as it is."""

_ROLES = {"model": "assistant"}
_URL = ("http://", "https://", "data:", "gs://", "s3://")


def conversation(messages: object, respell: Respell, *, content_key: str = "content") -> list[Any] | None:
    """Chat messages of ``[{role, <content_key>: text or parts}]``, JSON text or structured; None if it is no list."""
    listed = values.decoded(messages)
    if not isinstance(listed, list):
        return None
    return parts.conversation([_with_parts(item, respell, content_key) for item in listed])


def message(found: object, respell: Respell, *, content_key: str = "content") -> Any:
    """The chat message, or the list of them, that one message makes; None if it is none."""
    made = conversation([found], respell, content_key=content_key) if isinstance(found, dict) else None
    return made[0] if made is not None and len(made) == 1 else made


def renamed(part: Mapping[str, Any], kind: str, names: Mapping[str, str]) -> dict[str, Any]:
    """``part`` as a GenAI part of ``kind``, with ``names`` (theirs → GenAI's) replaced and ``type`` dropped.

    A key whose new name is taken keeps its own.
    """
    made: dict[str, Any] = {"type": kind}
    for key, value in part.items():
        if key != "type":
            name = names.get(key, key)
            made[key if name in made else name] = value
    return made


def media(part: Mapping[str, Any], names: Mapping[str, str], modality: str | None = None) -> dict[str, Any]:
    """An image or a file: a ``uri`` if its ``content`` is an address, otherwise a ``blob`` of base64."""
    made = renamed(part, "blob", names)
    if modality is not None:
        made["modality"] = modality
    content = made.get("content")
    if isinstance(content, str) and content.startswith(_URL):
        del made["content"]
        made.update(type="uri", uri=content)
    return made


def tool(definition: object) -> Any:
    """A decoded tool's definition as the GenAI conventions spell it, whatever its schema is called; JSON text is
    decoded.
    """
    found = definition if isinstance(definition, dict) else values.json_object(definition)
    if not found:
        return definition
    made = renamed(found, found.get("type") or "function", _TOOL_NAMES)
    return {key: value for key, value in made.items() if value is not None}


_TOOL_NAMES = dict.fromkeys(
    ("inputSchema", "input_schema", "parameters_json_schema", "parametersJsonSchema"),
    "parameters",
)


def _with_parts(item: Any, respell: Respell, content_key: str) -> Any:
    """A message of GenAI parts; what is none of theirs, or has parts already, as it is."""
    if not isinstance(item, dict) or (content_key != "parts" and "parts" in item):
        return item
    content = item.get(content_key)
    if isinstance(content, str):
        content = [{"type": "text", "content": content}]
    elif isinstance(content, list):
        content = [respell(part) if isinstance(part, dict) else part for part in content]
    else:
        return item
    rest = {key: value for key, value in item.items() if key != content_key}
    role = rest.get("role")
    if isinstance(role, str):
        rest["role"] = _ROLES.get(role, role)
    return {**rest, "parts": content}
