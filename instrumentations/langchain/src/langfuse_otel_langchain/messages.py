"""Values of LangChain → messages of the conventions, and plain structures for everything else."""

from __future__ import annotations

from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage, convert_to_messages

from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.fields import field, items, known, text
from langfuse_otel.instrumentation.messages import Message, Part
from langfuse_otel.instrumentation.plain import plain

_ROLES = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant", "function": "tool", "remove": "system"}
_MEDIA = {"image": "image", "audio": "audio", "video": "video", "file": "document", "text-plain": "document"}

_WAYS = ("base64", "url", "file_id", "mime_type")


def message(given: BaseMessage, finish_reason: str | None = None) -> Message:
    """One message."""
    role = text(given, "role") or _ROLES.get(given.type, given.type)
    if isinstance(given, ToolMessage):
        return said.message("tool", [said.tool_call_response(given.tool_call_id, read(given.content))])
    is_text = isinstance(given.content, str) and not (isinstance(given, AIMessage) and given.tool_calls)
    # Reasoning that providers put elsewhere is found among the content blocks.
    if is_text and not given.additional_kwargs:
        parts = [said.text(str(given.content))] if given.content else []
    else:
        parts = [_part(block) for block in given.content_blocks]
    return said.message(role, parts, name=given.name, finish_reason=finish_reason)


def read(value: Any) -> Any:
    """``value`` with its messages as messages of the conventions, and documents and state objects as dicts."""
    return plain(value, _converted)


def _converted(value: Any) -> Any:
    if isinstance(value, BaseMessage):
        return message(value)
    if isinstance(value, Document):
        return document(value)
    return value.to_messages() if hasattr(value, "to_messages") else value


def document(found: Document) -> dict[str, Any]:
    """One document that was retrieved."""
    told = {"id": found.id, "content": found.page_content, "score": found.metadata.get("score")}
    return {**known(told), "metadata": found.metadata}


def messages_of(state: Any) -> list[Message]:
    """The messages of a graph's state, in whatever form they were given; empty if it has none."""
    return [message(entry) for entry in convert_to_messages(items(state, "messages"))]


def _part(block: Any) -> Part:
    kind = text(block, "type") or "text"
    if kind == "text":
        return said.text(text(block, "text") or "")
    if kind == "reasoning":
        return said.reasoning(text(block, "reasoning") or "")
    if kind in ("tool_call", "tool_call_chunk", "invalid_tool_call"):
        return said.tool_call(text(block, "id"), text(block, "name"), field(block, "args"))
    if modality := _MEDIA.get(kind):
        return said.any_media(modality, **{way: text(block, way) for way in _WAYS})
    if kind == "server_tool_call":
        return said.server_tool_call(text(block, "id"), text(block, "name") or "", {"arguments": field(block, "args")})
    return field(block, "value") if kind == "non_standard" and field(field(block, "value"), "type") else dict(block)
