"""Content blocks → parts. The same blocks come in requests, in answers and inside the results of tools."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.fields import field, fields, text
from langfuse_otel.instrumentation.messages import Message, Part


def message_of(message: Any) -> Message:
    """A message of a request: a dict, or an answer's model object that is sent back."""
    return said.turn(text(message, "role") or "user", parts_of(field(message, "content")))


def parts_of(content: Any) -> list[Part]:
    """Text, or a list of blocks."""
    if isinstance(content, str):
        return [said.text(content)] if content else []
    return [_part(block) for block in content] if isinstance(content, (list, tuple)) else []


def _part(block: Any) -> Part:
    kind = text(block, "type") or "unknown"
    if kind == "text":
        return said.text(text(block, "text") or "")
    if kind == "thinking":
        return said.reasoning(text(block, "thinking") or "")
    if kind == "tool_use":
        return said.tool_call(text(block, "id"), text(block, "name"), field(block, "input"))
    if kind == "tool_result":
        return said.tool_call_response(text(block, "tool_use_id"), _result(field(block, "content")))
    if kind in ("server_tool_use", "mcp_tool_use"):
        return said.server_tool_call(text(block, "id"), text(block, "name") or kind, fields(block))
    if kind.endswith("_tool_result"):
        return said.server_tool_call_response(text(block, "tool_use_id"), fields(block))
    if kind in ("image", "document"):
        return _media(kind, block)
    return {**fields(block), "type": kind}  # redacted_thinking, search_result, compaction and what is still to come


def _result(content: Any) -> Any:
    """A tool's answer: its text, if it is text only."""
    parts = parts_of(content)
    return "".join(part["content"] for part in parts) if all(part["type"] == "text" for part in parts) else parts


def _media(modality: str, block: Any) -> Part:
    source = field(block, "source")
    kind = text(source, "type")
    if kind == "base64":
        return said.blob(modality, text(source, "data") or "", text(source, "media_type"))
    if kind == "url":
        return said.uri(modality, text(source, "url") or "")
    if kind == "file":
        return said.file(modality, text(source, "file_id") or "")
    if kind == "text":
        return said.text(text(source, "data") or "")
    return {"type": modality, "title": text(block, "title"), "content": parts_of(field(source, "content"))}
