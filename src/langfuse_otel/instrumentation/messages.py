"""Messages in the form of the GenAI semantic conventions: a role and a list of typed parts.

Plain dicts, because they are only encoded: one builder a part type, so that no package spells a key itself.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from itertools import groupby
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


def turn(role: str, parts: list[Part], *, finish_reason: str | None = None) -> Message:
    """A message of a client for which tools' answers are the user's: here they are the tool's."""
    is_tools = bool(parts) and all(part["type"] == "tool_call_response" for part in parts)
    return message("tool" if is_tools else role, parts, finish_reason=finish_reason)


def joined(parts: Iterable[Part]) -> list[Part]:
    """Pieces of a stream as parts: texts that follow each other are one, and so are thoughts."""
    grown: list[Part] = []
    for (kind, mergeable), run in groupby(parts, key=lambda part: (part["type"], part["type"] in _PIECEWISE)):
        if mergeable:
            grown.append({"type": kind, "content": "".join(part["content"] for part in run)})
        else:
            grown.extend(run)
    return grown


_PIECEWISE = ("text", "reasoning")


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
    return _with_id(call_id, {"type": "server_tool_call", "name": name, "server_tool_call": _typed(details, name)})


def server_tool_call_response(call_id: str | None, details: Any) -> Part:
    """What such a tool found; ``details`` in the provider's form."""
    found = _typed(details, "result")
    return _with_id(call_id, {"type": "server_tool_call_response", "server_tool_call_response": found})


def blob(modality: str, base64: str, mime_type: str | None = None) -> Part:
    """Inline media, base64 as the provider got or gave it."""
    return _with_mime(mime_type, {"type": "blob", "modality": modality, "content": base64})


def data(content: Any, mime_type: str | None) -> Part:
    """Inline media as bytes, or as base64."""
    encoded = b64encode(content).decode() if isinstance(content, (bytes, bytearray)) else str(content or "")
    return blob(modality(mime_type), encoded, mime_type)


def modality(mime_type: str | None) -> str:
    """What a MIME type is called among modalities."""
    kind = (mime_type or "").partition("/")[0]
    return kind if kind in ("image", "audio", "video") else "document"


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


def any_media(
    modality: str,
    *,
    base64: str | None = None,
    url: str | None = None,
    file_id: str | None = None,
    mime_type: str | None = None,
) -> Part:
    """Media in the first of these ways that is given: inline, by URL, or as a file that the provider stores."""
    if base64:
        return blob(modality, base64, mime_type)
    return media(modality, url) if url else file(modality, file_id or "")


def _with_id(call_id: str | None, part: Part) -> Part:
    if call_id:
        part["id"] = call_id
    return part


def _typed(details: Any, kind: str) -> Any:
    """Details with the type that the conventions want them to have; the provider's own if it gave one."""
    if isinstance(details, dict):
        return details if isinstance(details.get("type"), str) else {"type": kind, **details}
    return {"type": kind, "content": details} if isinstance(details, (str, list, tuple)) else details


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
