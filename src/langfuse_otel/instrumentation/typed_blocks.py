"""Content blocks that tell their own type → parts.

Makers and frameworks have several names for the same thing, and hardly ever one name for several things: one table
knows them all, whoever passes them on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.fields import field, fields, text
from langfuse_otel.instrumentation.messages import Part

_WAYS = ("base64", "url", "file_id", "mime_type")
_SOURCES = ("base64", "url", "file")


def parts_of(content: Any) -> list[Part]:
    """Text, or a list of blocks."""
    if isinstance(content, str):
        return [said.text(content)] if content else []
    return [part_of(block) for block in content] if isinstance(content, (list, tuple)) else []


def part_of(block: Any) -> Part:
    """One block; of a type that is not known, all that it holds."""
    kind = text(block, "type") or "unknown"
    if kind == "text":
        return said.text(text(block, "text") or "")
    if kind in _PARTS:
        return _PARTS[kind](block)
    if kind.endswith("_tool_result"):
        return said.server_tool_call_response(text(block, "tool_use_id"), fields(block))
    return {**fields(block), "type": kind}  # redacted_thinking, search_result, compaction and what is still to come


def _tool_call(block: Any, arguments: str) -> Part:
    return said.tool_call(text(block, "id"), text(block, "name"), field(block, arguments))


def _tool_result(block: Any) -> Part:
    """A tool's answer: its text, if it is text only."""
    parts = parts_of(field(block, "content"))
    is_text = all(part["type"] == "text" for part in parts)
    return said.tool_call_response(
        text(block, "tool_use_id"), "".join(part["content"] for part in parts) if is_text else parts
    )


def _server_tool_call(block: Any) -> Part:
    kind = text(block, "type") or ""
    details = {"arguments": field(block, "args")} if kind == "server_tool_call" else fields(block)
    return said.server_tool_call(text(block, "id"), text(block, "name") or kind, details)


def _media(block: Any, modality: str) -> Part:
    """Media that say where they are, themselves or in a field for it; else all that the block holds."""
    source = field(block, "source")
    if source is not None:
        return _media_of_source(block, modality, source)
    ways = {way: text(block, way) for way in _WAYS}
    return said.any_media(modality, **ways) if any(ways.values()) else {**fields(block), "type": modality}


def _media_of_source(block: Any, modality: str, source: Any) -> Part:
    kind = text(source, "type")
    if kind in _SOURCES:
        ways = {"base64": text(source, "data"), "url": text(source, "url"), "file_id": text(source, "file_id")}
        return said.any_media(modality, **ways, mime_type=text(source, "media_type"))
    if kind == "text":
        return said.text(text(source, "data") or "")
    return {"type": modality, "title": text(block, "title"), "content": parts_of(field(source, "content"))}


def _image_url(block: Any) -> Part:
    image = field(block, "image_url")
    return said.media("image", image if isinstance(image, str) else text(image, "url") or "")


def _input_audio(block: Any) -> Part:
    audio = field(block, "input_audio")
    return said.blob("audio", text(audio, "data") or "", f"audio/{text(audio, 'format') or 'wav'}")


def _input_media(block: Any, modality: str) -> Part:
    address = text(block, "image_url") or text(block, "file_data") or text(block, "file_url")
    return said.media(modality, address) if address else said.file(modality, text(block, "file_id") or "")


def _file(block: Any) -> Part:
    file = field(block, "file")
    if file is None:
        return _media(block, "document")
    file_id = text(file, "file_id")
    return said.file("document", file_id) if file_id else said.media("document", text(file, "file_data") or "")


def _non_standard(block: Any) -> Part:
    """What a framework has no type for, in the maker's own form."""
    value = field(block, "value")
    return fields(value) if field(value, "type") else fields(block)


_PARTS: dict[str, Callable[[Any], Part]] = {
    **dict.fromkeys(("input_text", "output_text"), lambda block: said.text(text(block, "text") or "")),
    "refusal": lambda block: said.refusal(text(block, "refusal") or ""),
    "thinking": lambda block: said.reasoning(text(block, "thinking") or ""),
    "reasoning": lambda block: said.reasoning(text(block, "reasoning") or ""),
    "tool_use": partial(_tool_call, arguments="input"),
    **dict.fromkeys(("tool_call", "tool_call_chunk", "invalid_tool_call"), partial(_tool_call, arguments="args")),
    "tool_result": _tool_result,
    **dict.fromkeys(("server_tool_use", "mcp_tool_use", "server_tool_call"), _server_tool_call),
    **{modality: partial(_media, modality=modality) for modality in ("image", "audio", "video", "document")},
    "text-plain": partial(_media, modality="document"),
    "image_url": _image_url,
    "input_audio": _input_audio,
    "input_image": partial(_input_media, modality="image"),
    "input_file": partial(_input_media, modality="document"),
    "file": _file,
    "non_standard": _non_standard,
}
