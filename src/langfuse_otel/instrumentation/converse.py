"""The Converse API: Amazon's form for models of all makers, and that of Nova's own bodies → attributes and messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.blocks import Blocks
from langfuse_otel.instrumentation.declare import Arguments, Attributes, Content, Endpoint
from langfuse_otel.instrumentation.fields import field, fields, items, known, text, whole
from langfuse_otel.instrumentation.messages import Message, Part
from langfuse_otel.instrumentation.parameters import ANY_SPELLING, attributes_of

_TEXTS = {"txt": "text/plain", "md": "text/markdown", "html": "text/html", "csv": "text/csv"}
# Where in its block the text of a delta belongs, and where in the delta it is if that is more than a text.
_GROWS = {
    "text": (("text",), ""),
    "toolUse": (("toolUse", "input"), "input"),
    "reasoningContent": (("reasoningContent", "reasoningText", "text"), "text"),
}


def converse_request(arguments: Arguments) -> Attributes:
    """Attributes of a request."""
    places = (fields(arguments.get(name)) for name in ("additionalModelRequestFields", "inferenceConfig"))
    return attributes_of({name: value for place in places for name, value in place.items()}, ANY_SPELLING)


def converse_input(arguments: Arguments) -> Content:
    """Instructions, messages and tools of a request."""
    specs = [field(tool, "toolSpec") for tool in items(arguments.get("toolConfig"), "tools")]
    return {
        names.SYSTEM_INSTRUCTIONS: _parts(items(arguments, "system")),
        names.INPUT_MESSAGES: [_message(message) for message in items(arguments, "messages")],
        names.TOOL_DEFINITIONS: [_tool(spec) for spec in specs if spec],
    }


def converse_response(answer: Any) -> Attributes:
    """Attributes of an answer. Bedrock counts the tokens of its cache apart from the input; the conventions within."""
    usage, reason = fields(field(answer, "usage")), text(answer, "stopReason")
    read, written = whole(usage, "cacheReadInputTokens") or 0, whole(usage, "cacheWriteInputTokens") or 0
    fresh = whole(usage, "inputTokens")
    attributes = {
        names.RESPONSE_FINISH_REASONS: [reason] if reason else None,
        names.USAGE_INPUT_TOKENS: None if fresh is None else fresh + read + written,
        names.USAGE_OUTPUT_TOKENS: whole(usage, "outputTokens"),
        names.USAGE_CACHE_READ_INPUT_TOKENS: read or None,
        names.USAGE_CACHE_WRITE_INPUT_TOKENS: written or None,
    }
    return known(attributes)


def converse_output(answer: Any) -> Content:
    """The message of an answer."""
    message = field(field(answer, "output"), "message")
    return {names.OUTPUT_MESSAGES: [_message(message, text(answer, "stopReason"))] if message else None}


class ConverseEvents:
    """Joins the events of a stream into an answer."""

    def __init__(self) -> None:
        self._answer: dict[str, Any] = {}
        self._blocks = Blocks()

    def add(self, event: Any) -> bool:
        """Take in an event; True when it carries a piece of content."""
        if (delta := event.get("contentBlockDelta")) is not None:
            return self._grow(delta.get("contentBlockIndex") or 0, fields(delta.get("delta")))
        if (start := event.get("contentBlockStart")) is not None:
            self._blocks.begin(start.get("contentBlockIndex") or 0, fields(start.get("start")))
        self._answer.update(known({**fields(event.get("messageStop")), **fields(event.get("metadata"))}))
        return False

    def _grow(self, index: int, delta: dict[str, Any]) -> bool:
        for kind, (path, within) in _GROWS.items():
            piece = text(delta.get(kind), within) if within else text(delta, kind)
            if piece:
                self._blocks.grow(index, path, piece)
                return True
        return False

    def response(self) -> dict[str, Any]:
        """The answer so far."""
        content = self._blocks.joined()
        message = {"role": "assistant", "content": content}
        return {**self._answer, "output": {"message": message} if content else None}


def _message(message: Any, finish_reason: str | None = None) -> Message:
    return said.turn(text(message, "role") or "user", _parts(items(message, "content")), finish_reason=finish_reason)


def _parts(blocks: Iterable[Any]) -> list[Part]:
    return [part for block in blocks if (part := _part(fields(block))) is not None]


def _part(block: dict[str, Any]) -> Part | None:
    kind, value = next(((name, value) for name, value in block.items() if value is not None), ("unknown", None))
    if kind in ("image", "video", "audio", "document"):
        return _media(kind, value)
    return _PARTS[kind](value) if kind in _PARTS else {"type": kind, "content": value}


_PARTS: dict[str, Callable[[Any], Part | None]] = {
    "text": lambda value: said.text(str(value)),
    "toolUse": lambda use: said.tool_call(text(use, "toolUseId"), text(use, "name"), field(use, "input")),
    "toolResult": lambda result: said.tool_call_response(text(result, "toolUseId"), _result(items(result, "content"))),
    "reasoningContent": lambda value: said.reasoning(text(field(value, "reasoningText"), "text") or ""),
    "guardContent": lambda value: _part(fields(field(value, "text"))) or _part(fields(value)),
    "citationsContent": lambda value: said.text("".join(text(part, "text") or "" for part in items(value, "content"))),
    "cachePoint": lambda _: None,
}


def _media(kind: str, value: Any) -> Part:
    source, form = fields(field(value, "source")), text(value, "format") or ""
    mime_type = _TEXTS.get(form) or f"{'application' if kind == 'document' else kind}/{form}"
    if source.get("bytes"):
        return said.data(source["bytes"], mime_type)  # base64 already in a body of its own form
    address = text(source.get("s3Location"), "uri")
    return said.uri(kind, address, mime_type) if address else said.text(text(source, "text") or "")


def _result(content: Any) -> Any:
    """A tool's answer: its only text or structure, else all of them."""
    found = [block.get("json") or text(block, "text") or _part(block) for block in map(fields, content)]
    return found[0] if len(found) == 1 else found


def _tool(spec: Any) -> dict[str, Any]:
    described = {name: text(spec, name) for name in ("name", "description")}
    return known({"type": "function", **described, "parameters": field(field(spec, "inputSchema"), "json")})


CONVERSE = Endpoint(
    operation=names.CHAT,
    request=converse_request,
    input=converse_input,
    response=converse_response,
    output=converse_output,
    accumulator=ConverseEvents,
)
"""The Converse API of Amazon."""
