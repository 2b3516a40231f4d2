"""Cohere: Command R's chat, the older Command's prompt, and embeddings."""

from __future__ import annotations

from collections.abc import Iterator

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.fields import fields, items
from langfuse_otel_bedrock.families.family import Body, Family, asked, piece, tool_use

_ROLES = {"CHATBOT": "assistant", "USER": "user", "SYSTEM": "system", "TOOL": "tool"}


def _request(body: Body) -> Body:
    before = [
        {"role": _ROLES.get(turn.get("role"), "user"), "content": [{"text": turn.get("message") or ""}]}
        for turn in items(body, "chat_history")
    ]
    preamble, last = body.get("preamble"), asked(body.get("message") or body.get("prompt"))
    return {"messages": before + last["messages"], "system": [{"text": preamble}] if preamble else ()}


def _content(body: Body) -> list[Body]:
    text = fields(next(iter(items(body, "generations")), body)).get("text")
    return ([{"text": text}] if text else []) + _tool_uses(body)


def _events(chunk: Body) -> Iterator[Body]:
    if chunk.get("is_finished") or chunk.get("event_type") == "stream-end":
        return  # repeats all that was said
    yield from piece(chunk.get("text"))
    for index, used in enumerate(_tool_uses(chunk), 1):
        yield {"contentBlockStart": {"contentBlockIndex": index, "start": used}}


def _tool_uses(body: Body) -> list[Body]:
    return [tool_use(None, call.get("name"), call.get("parameters")) for call in items(body, "tool_calls")]


COHERE = Family(request=_request, content=_content, events=_events)
COHERE_EMBEDDINGS = Family(
    request=lambda body: {
        "messages": [message for text in items(body, "texts") for message in asked(text)["messages"]]
    },
    operation=names.EMBEDDINGS,
)
