"""Items of the Responses API → messages. The same items come in requests and in answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.fields import field, items, text
from langfuse_otel.instrumentation.messages import Message, Part
from langfuse_otel.instrumentation.typed_blocks import parts_of


def message_of_item(item: Any) -> Message:
    """One item as a message of its own."""
    kind = text(item, "type") or "message"
    if kind == "message":
        return said.message(text(item, "role") or "user", parts_of(field(item, "content")))
    return said.message("tool" if kind.endswith("_output") else "assistant", parts_of_item(item))


def parts_of_item(item: Any) -> Iterator[Part]:
    """The parts of one item."""
    kind = text(item, "type") or "message"
    call_id = text(item, "call_id") or text(item, "id")
    if kind == "message":
        yield from parts_of(field(item, "content"))
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
