"""Messages in Anthropic's format, whose content is a list of blocks, as GenAI parts."""

from __future__ import annotations

from typing import Any

from langfuse_otel.conventions import foreign_parts

_MEDIA_NAMES = {"data": "content", "url": "content", "media_type": "mime_type"}
_BLOCKS = {
    "text": ("text", {"text": "content"}),
    "thinking": ("reasoning", {"thinking": "content"}),
    "tool_use": ("tool_call", {"input": "arguments"}),
    "tool_result": ("tool_call_response", {"tool_use_id": "id", "content": "response"}),
}


def part(block: dict[str, Any]) -> dict[str, Any]:
    """A block as a GenAI part; one of another kind as it is."""
    kind, source = block.get("type"), block.get("source")
    if kind in ("image", "document") and isinstance(source, dict):
        rest = {key: value for key, value in block.items() if key not in ("type", "source")}
        return {**rest, **foreign_parts.media(source, _MEDIA_NAMES, "image" if kind == "image" else None)}
    known = _BLOCKS.get(kind) if isinstance(kind, str) else None
    return block if known is None else foreign_parts.renamed(block, *known)
