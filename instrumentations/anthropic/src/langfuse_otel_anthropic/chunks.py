"""Events of a stream → one message, in the form that ``response.py`` reads."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation.fields import fields, known

# Which field of its block a delta goes on with. What it says is in the field of the same name, but for tools' input.
_GROWS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "input_json_delta": ("input", "partial_json"),
    "compaction_delta": ("content", "content"),
}


class MessageEvents:
    """Joins the events of one message. Counts of tokens are totals so far: the last ones hold."""

    def __init__(self) -> None:
        self._message: dict[str, Any] | None = None
        self._usage: dict[str, Any] = {}
        self._blocks: dict[int, dict[str, Any]] = {}
        self._pieces: dict[tuple[int, str], list[str]] = {}

    def add(self, event: Any) -> bool:
        """Take in an event; True when it carries a piece of content."""
        given = event.__dict__
        kind = given["type"]
        if kind == "content_block_delta":
            delta = given["delta"].__dict__
            if (grows := _GROWS.get(delta["type"])) and (said := delta.get(grows[1])):
                self._pieces.setdefault((given["index"], grows[0]), []).append(said)
            return True
        if kind == "content_block_start":
            self._blocks[given["index"]] = dict(fields(given["content_block"]))
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
        blocks = {index: dict(block) for index, block in self._blocks.items()}
        for (index, name), pieces in self._pieces.items():
            block = blocks.setdefault(index, {"type": "text"})
            begun = block.get(name)  # blocks begin empty, but some servers put the first words in
            block[name] = (begun if isinstance(begun, str) else "") + "".join(pieces)
        return {**self._message, "usage": self._usage, "content": [block for _, block in sorted(blocks.items())]}
