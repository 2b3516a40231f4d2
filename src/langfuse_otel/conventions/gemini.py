"""Messages in Gemini's format, ``{role, parts: [{text}, {function_call}, …]}``, as Google ADK writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langfuse_otel.conventions import foreign_parts

_CALL_NAMES = {"args": "arguments"}
_DATA_NAMES = {"data": "content", "mimeType": "mime_type"}
_FILE_NAMES = {
    **dict.fromkeys(("file_uri", "fileUri"), "content"),
    "mimeType": "mime_type",
}
# Key of the part → kind of the GenAI part, and the names in what is below the key.
_NESTED: dict[str, tuple[str, Mapping[str, str]]] = {
    "function_call": ("tool_call", _CALL_NAMES),
    "functionCall": ("tool_call", _CALL_NAMES),
    "function_response": ("tool_call_response", {}),
    "functionResponse": ("tool_call_response", {}),
    "inline_data": ("blob", _DATA_NAMES),
    "inlineData": ("blob", _DATA_NAMES),
    "file_data": ("blob", _FILE_NAMES),
    "fileData": ("blob", _FILE_NAMES),
}


def part(found: dict[str, Any]) -> dict[str, Any]:
    """A Gemini part as a GenAI part; what is beside its key (``thought_signature``) stays beside it."""
    if isinstance(found.get("text"), str):
        thought = found.get("thought") is True
        rest = {key: value for key, value in found.items() if not (thought and key == "thought")}
        return foreign_parts.renamed(rest, "reasoning" if thought else "text", {"text": "content"})
    for key, (kind, names) in _NESTED.items():
        nested = found.get(key)
        if isinstance(nested, dict):
            rest = {name: value for name, value in found.items() if name != key}
            made = foreign_parts.media(nested, names) if kind == "blob" else foreign_parts.renamed(nested, kind, names)
            return {**rest, **made}
    return found
