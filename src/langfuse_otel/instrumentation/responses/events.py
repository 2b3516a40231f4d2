"""Events of the Responses API → one response, in the form that ``response.py`` reads."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from langfuse_otel.instrumentation.fields import field, fields, text


class ResponseEvents:
    """Joins the events of one response: model objects, or dicts.

    The last event carries all; the rest is for streams that break off.
    """

    def __init__(self) -> None:
        self._response: Any = None
        self._is_final = False
        self._items: dict[int, Any] = {}
        self._pieces: dict[int, list[str]] = {}

    def add(self, event: Any) -> bool:
        """Take in an event; True when it carries a piece of output."""
        kind: str = field(event, "type")
        if kind.endswith(".delta"):
            if kind in _PIECES:
                self._pieces.setdefault(field(event, "output_index"), []).append(field(event, "delta"))
            return True
        if kind in ("response.output_item.added", "response.output_item.done"):
            index = field(event, "output_index")
            self._items[index] = field(event, "item")
            self._pieces.pop(index, None)
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            self._response, self._is_final = field(event, "response"), True
        elif kind == "response.created":
            self._response = field(event, "response")
        elif kind == "error":
            self._response = {
                "id": field(self._response, "id"),
                "model": field(self._response, "model"),
                "status": "failed",
                "error": {"code": field(event, "code")},
            }
        return False

    def response(self) -> Any:
        """The response so far; None before the first event."""
        if self._response is None or self._is_final:
            return self._response
        begun = {index: self._begun(index, "".join(pieces)) for index, pieces in self._pieces.items()}
        output = [item for _, item in sorted({**self._items, **begun}.items(), key=itemgetter(0))]
        known = {name: field(self._response, name) for name in ("id", "model", "status", "service_tier", "error")}
        return {**known, "output": output}

    def _begun(self, index: int, pieces: str) -> dict[str, Any]:
        """An item that is not done, with what came of it."""
        item = fields(self._items.get(index))
        if text(item, "type") in ("function_call", "mcp_call"):
            return {**item, "arguments": pieces}
        if text(item, "type") == "custom_tool_call":
            return {**item, "input": pieces}
        if text(item, "type") == "reasoning":
            return {**item, "summary": [{"text": pieces}]}
        return {"type": "message", "content": pieces}


# Events with a piece of an item; for others (audio, code, images) there is nothing to show of an item half done.
_PIECES = frozenset(
    (
        "response.output_text.delta",
        "response.refusal.delta",
        "response.function_call_arguments.delta",
        "response.mcp_call_arguments.delta",
        "response.custom_tool_call_input.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_text.delta",
    )
)
