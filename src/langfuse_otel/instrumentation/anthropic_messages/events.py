"""Events of a stream → one message, in the form that ``response.py`` reads."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation.blocks import Blocks
from langfuse_otel.instrumentation.fields import fields, known

# Which field of its block a delta goes on with. What it says is in the field of the same name, but for tools' input.
_GROWS = {
    "text_delta": (("text",), "text"),
    "thinking_delta": (("thinking",), "thinking"),
    "input_json_delta": (("input",), "partial_json"),
    "compaction_delta": (("content",), "content"),
}


class MessageEvents:
    """Joins the events of one message, model objects or dicts. Counts of tokens are totals so far: the last hold."""

    def __init__(self) -> None:
        self._message: dict[str, Any] | None = None
        self._usage: dict[str, Any] = {}
        self._blocks = Blocks()

    def add(self, event: Any) -> bool:
        """Take in an event; True when it carries a piece of content."""
        given = getattr(event, "__dict__", event)  # as ``fields.own``
        kind = given["type"]
        if kind == "content_block_delta":
            delta = getattr(given["delta"], "__dict__", given["delta"])
            if (grows := _GROWS.get(delta["type"])) and (said := delta.get(grows[1])):
                self._blocks.grow(given["index"], grows[0], said)
            return True
        if kind == "content_block_start":
            self._blocks.begin(given["index"], dict(fields(given["content_block"])))
        elif kind == "message_start":
            self._message = dict(fields(given["message"]))
            self._usage.update(known(fields(self._message.get("usage"))))
        elif kind == "message_delta" and self._message is not None:
            self._message.update(known(fields(given["delta"])))
            self._usage.update(known(fields(given.get("usage"))))
        return False

    def response(self) -> dict[str, Any] | None:
        """The message so far; None before the first event."""
        if self._message is None:
            return None
        content = [{"type": "text", **block} for block in self._blocks.joined()]
        return {**self._message, "usage": self._usage, "content": content}
