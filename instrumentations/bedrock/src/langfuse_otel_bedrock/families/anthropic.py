"""Anthropic's Claude: the Messages API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langfuse_otel.instrumentation.fields import fields, items
from langfuse_otel_bedrock.families.family import Body, Family, tool, tool_use

_DELTAS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


def _request(body: Body) -> Body:
    return {
        "messages": [{"role": m.get("role"), "content": _blocks(m.get("content"))} for m in items(body, "messages")],
        "system": _blocks(body.get("system")),
        "toolConfig": {"tools": [tool(each, "input_schema") for each in items(body, "tools")]},
    }


def _events(chunk: Body) -> Iterator[Body]:
    kind, index = chunk.get("type"), chunk.get("index")
    if kind == "content_block_delta":
        delta = fields(chunk.get("delta"))
        said = delta.get(_DELTAS.get(delta.get("type", ""), ""), "")
        grown = {
            "input_json_delta": {"toolUse": {"input": said}},
            "thinking_delta": {"reasoningContent": {"text": said}},
        }
        yield {"contentBlockDelta": {"contentBlockIndex": index, "delta": grown.get(delta["type"], {"text": said})}}
    elif kind == "content_block_start":
        yield {"contentBlockStart": {"contentBlockIndex": index, "start": _block(fields(chunk.get("content_block")))}}


def _blocks(content: Any) -> list[Body]:
    if isinstance(content, str):
        return [{"text": content}]
    return [_block(block) for block in content] if isinstance(content, list) else []


def _block(block: Body) -> Body:
    kind = block.get("type", "unknown")
    if kind == "text":
        return {"text": block.get("text", "")}
    if kind == "thinking":
        return {"reasoningContent": {"reasoningText": {"text": block.get("thinking")}}}
    if kind == "tool_use":
        return tool_use(block.get("id"), block.get("name"), block.get("input"))
    if kind == "tool_result":
        return {"toolResult": {"toolUseId": block.get("tool_use_id"), "content": _blocks(block.get("content"))}}
    if kind in ("image", "document"):
        source = fields(block.get("source"))
        form = (source.get("media_type") or "").rpartition("/")[2]
        return {kind: {"format": form, "source": {"bytes": source.get("data"), "uri": source.get("url")}}}
    return {kind: block}


ANTHROPIC = Family(request=_request, content=lambda body: _blocks(body.get("content")), events=_events)
