"""What a family is, and what all bodies have in common: only its spelling differs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.fields import fields, items, known

Body: TypeAlias = dict[str, Any]
"""A request, an answer or a chunk, in a family's own form or in that of the Converse API."""

_CONFIG = {
    "maxTokens": ("max_tokens", "max_completion_tokens", "max_gen_len", "maxTokenCount", "maxTokens"),
    "temperature": ("temperature",),
    "topP": ("top_p", "p", "topP"),
    "topK": ("top_k", "k", "topK"),
    "stopSequences": ("stop_sequences", "stop", "stopSequences"),
    "dimensions": ("dimensions",),
}
_USAGE = {
    "inputTokens": ("input_tokens", "prompt_tokens", "prompt_token_count", "inputTextTokenCount", "inputTokens"),
    "outputTokens": (
        *("output_tokens", "completion_tokens", "generation_token_count"),
        *("totalOutputTextTokenCount", "tokenCount", "outputTokens"),
    ),
    "cacheReadInputTokens": ("cache_read_input_tokens", "cacheReadInputTokenCount", "cacheReadInputTokens"),
    "cacheWriteInputTokens": ("cache_creation_input_tokens", "cacheWriteInputTokenCount", "cacheWriteInputTokens"),
}
_REASON = ("stop_reason", "stopReason", "finish_reason", "completionReason")
# Where in a body its parameters, counts and reasons may be, besides the body itself; of lists, the first item.
_WITHIN = (
    *("textGenerationConfig", "inferenceConfig", "usage", "delta", "message"),
    *("results", "outputs", "choices", "generations"),
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Family:
    """Models whose bodies have the same form.

    Attributes:
        request: Request → ``messages``, ``system`` and ``toolConfig`` of the Converse API.
        content: Answer → text, or content blocks of the Converse API.
        events: Chunk → events of the Converse API that carry content.
        operation: Value of ``gen_ai.operation.name``.
    """

    request: Callable[[Body], Body]
    content: Callable[[Body], str | list[Body]] = lambda _: ""
    events: Callable[[Body], Iterable[Body]] = lambda _: ()
    operation: str = names.CHAT

    def converse(self, arguments: Any) -> Body:
        """The request of an invocation; its body is read once. One given as a file is the client's alone to read."""
        if "messages" not in arguments:
            given = arguments.get("body")
            body = msgspec.json.decode(given) if isinstance(given, (str, bytes, bytearray)) else {}
            asked = self.request(body) if body else {}
            arguments.update({"messages": (), **asked, "inferenceConfig": _found(body, _CONFIG)})
        return dict(arguments)

    def answer(self, body: Body) -> Body:
        """The answer of an invocation."""
        content = self.content(body)
        blocks = [{"text": content}] if isinstance(content, str) else content
        vectors = body.get("embeddings")
        vectors = next(iter(vectors.values()), None) if isinstance(vectors, dict) else vectors
        return {
            **_ending(body),
            "output": {"message": {"role": "assistant", "content": blocks}} if content else None,
            "dimensions": len(body.get("embedding") or next(iter(vectors or ()), ())) or None,
        }

    def chunk(self, chunk: Body) -> Iterator[Body]:
        """The events in a chunk of an invocation's stream."""
        yield from self.events(chunk)
        ending = _ending(chunk)
        yield {"messageStop": {"stopReason": ending["stopReason"]}, "metadata": ending}


def asked(text: Any) -> Body:
    """A request with one text."""
    return {"messages": [{"role": "user", "content": [{"text": text}]}]}


def piece(text: Any) -> Iterator[Body]:
    """A piece of text."""
    if isinstance(text, str) and text:
        yield {"contentBlockDelta": {"delta": {"text": text}}}


def tool_use(call_id: Any, name: Any, arguments: Any) -> Body:
    """A tool's call."""
    return {"toolUse": {"toolUseId": call_id, "name": name, "input": arguments}}


def tool(definition: Body, schema: str) -> Body:
    """A tool's definition, with its parameters under the name ``schema``."""
    spec = {name: definition.get(name) for name in ("name", "description")}
    return {"toolSpec": {**spec, "inputSchema": {"json": definition.get(schema)}}}


def _ending(body: Body) -> Body:
    """How an answer ended, with its tokens and identity."""
    guarded = body.get("amazon-bedrock-guardrailAction") == "INTERVENED"
    told = _found(body, {"id": ("id",), "model": ("model",), "stopReason": _REASON})
    reason = "guardrail_intervened" if guarded else told.get("stopReason")
    return {**told, "stopReason": reason, "usage": _found(body, _USAGE)}


def _found(body: Body, spellings: dict[str, tuple[str, ...]]) -> Body:
    places = list(_places(body))
    return known(
        {
            name: next((place[key] for place in places for key in keys if place.get(key) is not None), None)
            for name, keys in spellings.items()
        }
    )


def _places(body: Body) -> Iterator[Body]:
    yield body
    for name in _WITHIN:
        yield from _places(within) if (within := fields(next(iter(items(body, name)), body.get(name)))) else ()
