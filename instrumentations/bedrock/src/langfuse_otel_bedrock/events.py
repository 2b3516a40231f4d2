"""What comes in pieces → one answer in the form of the Converse API."""

from __future__ import annotations

from typing import Any

import msgspec

from langfuse_otel.instrumentation.fields import field, fields, known, text, whole
from langfuse_otel_bedrock.families.family import Family

_METRICS = "amazon-bedrock-invocationMetrics"
_HEADER = "x-amzn-bedrock-{}-token-count"


class ConverseEvents:
    """Joins the events of a Converse stream."""

    def __init__(self) -> None:
        self._answer: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._role = "assistant"
        self._blocks: dict[int, dict[str, Any]] = {}
        self._pieces: dict[int, list[str]] = {}

    def add(self, event: Any) -> bool:
        """Take in an event; True when it carries a piece of content."""
        if (delta := event.get("contentBlockDelta")) is not None:
            return self._grow(delta.get("contentBlockIndex") or 0, fields(delta.get("delta")))
        if (start := event.get("contentBlockStart")) is not None:
            self._blocks[start.get("contentBlockIndex") or 0] = dict(fields(start.get("start")))
        if (stop := event.get("messageStop")) is not None:
            self._answer.update(known(fields(stop)))
        if (metadata := event.get("metadata")) is not None:
            self._usage.update(known(fields(metadata.get("usage"))))
            self._answer.update({name: metadata[name] for name in ("id", "model") if metadata.get(name)})
        if "ResponseMetadata" in event:
            self._answer.update(event)
        if (begun := event.get("messageStart")) is not None:
            self._role = text(begun, "role") or self._role
        return False

    def _grow(self, index: int, delta: dict[str, Any]) -> bool:
        kind, value = next(iter(delta.items()), ("text", ""))
        self._blocks.setdefault(index, {kind: {}})
        piece = value if isinstance(value, str) else text(value, "input" if kind == "toolUse" else "text")
        if piece:
            self._pieces.setdefault(index, []).append(piece)
        return bool(piece)

    def response(self) -> dict[str, Any]:
        """The answer so far."""
        content = [_block(block, "".join(self._pieces.get(index, ()))) for index, block in sorted(self._blocks.items())]
        message = {"role": self._role, "content": content}
        return {**self._answer, "usage": self._usage, "output": {"message": message} if content else None}


class InvokedEvents(ConverseEvents):
    """Joins the chunks of a model invoked with its own body."""

    def __init__(self, family: Family) -> None:
        super().__init__()
        self._family = family

    def add(self, event: Any) -> bool:
        """Take in a chunk; True when it carries a piece of content."""
        data = field(event.get("chunk"), "bytes")
        if data is None:
            return super().add(event)
        chunk = msgspec.json.decode(data)
        has_content = False
        for translated in self._family.chunk(chunk):
            has_content = super().add(translated) or has_content
        if metrics := fields(chunk.get(_METRICS)):  # of every model, in the last chunk
            for name, count in (("inputTokens", "inputTokenCount"), ("outputTokens", "outputTokenCount")):
                self._usage.setdefault(name, whole(metrics, count))
        return has_content


class InvokedBody:
    """The body that a model answers with: bytes, as the application reads them."""

    def __init__(self, family: Family) -> None:
        self._family = family
        self._metadata: dict[str, Any] = {}
        self._pieces: list[bytes] = []

    def add(self, piece: Any) -> bool:
        """Take in bytes, or the metadata of the answer. Not a stream of content, so no clock is stopped."""
        if isinstance(piece, bytes):
            self._pieces.append(piece)
        else:
            self._metadata = piece
        return False

    def response(self) -> dict[str, Any]:
        """The answer; if the body was not read to its end, what the headers say of it."""
        try:
            answer = self._family.answer(msgspec.json.decode(b"".join(self._pieces)))
        except msgspec.DecodeError:
            answer = {}
        usage = known(fields(answer.get("usage")))
        headers = fields(field(self._metadata.get("ResponseMetadata"), "HTTPHeaders"))
        for name, counted in (("inputTokens", "input"), ("outputTokens", "output")):
            if (count := text(headers, _HEADER.format(counted)) or "").isdigit():
                usage.setdefault(name, int(count))
        return {**answer, **self._metadata, "usage": usage}


def _block(block: dict[str, Any], joined: str) -> dict[str, Any]:
    if "toolUse" in block:
        return {"toolUse": {**block["toolUse"], "input": joined or block["toolUse"].get("input")}}
    return (
        {"reasoningContent": {"reasoningText": {"text": joined}}} if "reasoningContent" in block else {"text": joined}
    )
