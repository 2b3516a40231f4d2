"""Messages in the form of the GenAI semantic conventions: a role and a list of typed parts.

Plain dicts, because they are only encoded: one builder a part type, so that no package spells a key itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec

Part: TypeAlias = dict[str, Any]
Message: TypeAlias = dict[str, Any]


def message(role: str, parts: Iterable[Part], *, name: str | None = None, finish_reason: str | None = None) -> Message:
    """One message; ``finish_reason`` only on outputs."""
    made: Message = {"role": role, "parts": list(parts)}
    if name:
        made["name"] = name
    if finish_reason:
        made["finish_reason"] = finish_reason
    return made


def text(content: str) -> Part:
    """What is said."""
    return {"type": "text", "content": content}


def reasoning(content: str) -> Part:
    """What the model thought, as far as the provider shows it."""
    return {"type": "reasoning", "content": content}


def refusal(content: str) -> Part:
    """The model's refusal; the conventions have no part for it and allow further types."""
    return {"type": "refusal", "content": content}


def tool_call(call_id: str | None, name: str | None, arguments: Any) -> Part:
    """A tool that the model wants called. ``arguments`` as JSON text becomes the object; other text stays text."""
    return _with_id(call_id, {"type": "tool_call", "name": name or "", "arguments": _parsed(arguments)})


def tool_call_response(call_id: str | None, response: Any) -> Part:
    """What a tool answered."""
    return _with_id(call_id, {"type": "tool_call_response", "response": response})


def server_tool_call(call_id: str | None, name: str, details: Any) -> Part:
    """A tool that the provider ran itself (web search, code interpreter); ``details`` in the provider's form."""
    return _with_id(call_id, {"type": "server_tool_call", "name": name, "server_tool_call": details})


def blob(modality: str, base64: str, mime_type: str | None = None) -> Part:
    """Inline media, base64 as the provider got or gave it."""
    return _with_mime(mime_type, {"type": "blob", "modality": modality, "content": base64})


def uri(modality: str, address: str, mime_type: str | None = None) -> Part:
    """Media by address."""
    return _with_mime(mime_type, {"type": "uri", "modality": modality, "uri": address})


def file(modality: str, file_id: str) -> Part:
    """Media that the provider stores."""
    return {"type": "file", "modality": modality, "file_id": file_id}


def media(modality: str, address: str) -> Part:
    """Media by address, or inline if the address is a base64 ``data:`` URL."""
    if address.startswith("data:"):
        head, comma, data = address.partition(",")
        if comma and head.endswith(";base64"):
            return blob(modality, data, head[5:-7].partition(";")[0] or None)
    return uri(modality, address)


def _with_id(call_id: str | None, part: Part) -> Part:
    if call_id:
        part["id"] = call_id
    return part


def _with_mime(mime_type: str | None, part: Part) -> Part:
    if mime_type:
        part["mime_type"] = mime_type
    return part


def _parsed(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return arguments
    try:
        return msgspec.json.decode(arguments)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return arguments
