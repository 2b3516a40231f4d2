"""Items of the Responses API → messages. The same items come in requests and in answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.fields import field, items, text
from langfuse_otel.instrumentation.messages import Message, Part


def message_of_item(item: Any) -> Message:
    """One item as a message of its own."""
    kind = text(item, "type") or "message"
    if kind == "message":
        return said.message(text(item, "role") or "user", _content_parts(field(item, "content")))
    return said.message("tool" if kind.endswith("_output") else "assistant", parts_of_item(item))


def parts_of_item(item: Any) -> Iterator[Part]:
    """The parts of one item."""
    kind = text(item, "type") or "message"
    call_id = text(item, "call_id") or text(item, "id")
    if kind == "message":
        yield from _content_parts(field(item, "content"))
    elif kind == "reasoning":
        for thought in (*items(item, "summary"), *items(item, "content")):
            if shown := text(thought, "text"):
                yield said.reasoning(shown)
    elif kind == "function_call":
        yield said.tool_call(call_id, text(item, "name"), field(item, "arguments"))
    elif kind == "custom_tool_call":
        yield said.tool_call(call_id, text(item, "name"), field(item, "input"))
    elif kind.endswith("_output"):
        yield said.tool_call_response(call_id, field(item, "output"))
    elif kind == "image_generation_call" and (image := text(item, "result")):
        yield said.blob("image", image, f"image/{text(item, 'output_format') or 'png'}")
    elif kind == "compaction":
        yield {"type": "compaction", **({"id": call_id} if call_id else {})}
    else:  # web_search_call, mcp_call, code_interpreter_call, item_reference and what is still to come
        yield said.server_tool_call(call_id, text(item, "name") or kind.removesuffix("_call"), item)


def _content_parts(content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        yield said.text(content)
    elif isinstance(content, (list, tuple)):
        yield from map(_content_part, content)


def _content_part(part: Any) -> Part:
    kind = text(part, "type")
    if kind in ("input_text", "output_text", "text"):
        return said.text(text(part, "text") or "")
    if kind == "refusal":
        return said.refusal(text(part, "refusal") or "")
    if kind in ("input_image", "input_file"):
        modality = "image" if kind == "input_image" else "document"
        address = text(part, "image_url") or text(part, "file_data") or text(part, "file_url")
        return said.media(modality, address) if address else said.file(modality, text(part, "file_id") or "")
    if kind == "input_audio":
        audio = field(part, "input_audio")
        return said.blob("audio", text(audio, "data") or "", f"audio/{text(audio, 'format') or 'wav'}")
    return part if isinstance(part, dict) and kind else {"type": kind or "unknown"}
