"""Mistral: prompts of its older models; chats in OpenAI's form, which models of further makers share."""

from __future__ import annotations

from collections.abc import Iterator

from langfuse_otel.instrumentation.fields import fields, items
from langfuse_otel_bedrock.families.family import Body, Family, asked, piece, tool, tool_use


def _request(body: Body) -> Body:
    if "messages" not in body:
        return asked(body.get("prompt"))
    return {
        "messages": [{"role": message.get("role"), "content": _blocks(message)} for message in items(body, "messages")],
        "toolConfig": {"tools": [tool(fields(each.get("function")), "parameters") for each in items(body, "tools")]},
    }


def _content(body: Body) -> str | list[Body]:
    first = _first(body)
    return _blocks(first["message"]) if "message" in first else first.get("text") or ""


def _events(chunk: Body) -> Iterator[Body]:
    first = _first(chunk)
    delta = fields(first.get("delta") or first.get("message"))
    yield from piece(first.get("text") or delta.get("content"))
    for call in items(delta, "tool_calls"):
        function, index = fields(call.get("function")), 1 + (call.get("index") or 0)
        if call.get("id"):
            start = tool_use(call["id"], function.get("name"), None)
            yield {"contentBlockStart": {"contentBlockIndex": index, "start": start}}
        grown = {"toolUse": {"input": function.get("arguments") or ""}}
        yield {"contentBlockDelta": {"contentBlockIndex": index, "delta": grown}}


def _first(body: Body) -> Body:
    return fields(next(iter(items(body, "outputs") or items(body, "choices")), None))


def _blocks(message: Body) -> list[Body]:
    content = message.get("content")
    if message.get("role") == "tool":
        return [{"toolResult": {"toolUseId": message.get("tool_call_id"), "content": [{"text": content}]}}]
    parts = [{"text": content}] if isinstance(content, str) and content else content or ()
    blocks = [{"text": part["text"]} if "text" in part else {part.get("type", "part"): part} for part in parts]
    for call in items(message, "tool_calls"):
        function = fields(call.get("function"))
        blocks.append(tool_use(call.get("id"), function.get("name"), function.get("arguments")))
    return blocks


MISTRAL = Family(request=_request, content=_content, events=_events)
