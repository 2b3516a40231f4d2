"""Chunks of a stream → one answer, in the form that ``response.py`` reads."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from langfuse_otel.instrumentation.fields import field, text


class ChatChunks:
    """Joins the chunks of a chat completion."""

    def __init__(self) -> None:
        self._completion: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}

    def add(self, chunk: Any) -> bool:
        """Take in a ``ChatCompletionChunk``; True when it has text, a tool call, audio or a refusal."""
        if not self._completion.get("id"):  # Azure's first chunk has neither id nor model
            self._completion = {"id": getattr(chunk, "id", None), "model": getattr(chunk, "model", None)}
        for name in ("service_tier", "system_fingerprint", "usage"):
            if (value := getattr(chunk, name, None)) is not None:
                self._completion[name] = value
        has_content = False
        for choice in chunk.choices or ():
            joined = self._choices.get(choice.index)
            if joined is None:
                joined = self._choices[choice.index] = _Choice()
            if choice.finish_reason:
                joined.finish_reason = choice.finish_reason
            if choice.delta is not None and joined.add(choice.delta):
                has_content = True
        return has_content

    def response(self) -> dict[str, Any] | None:
        """The completion so far; None before the first chunk."""
        if not self._completion:
            return None
        return {**self._completion, "choices": [joined.choice() for _, joined in sorted(self._choices.items())]}


class _Choice:
    """One choice of a chat completion while it is streamed."""

    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self._texts: dict[str, list[str]] = {}
        self._tool_calls: dict[int, dict[str, Any]] = {}
        self._audio: dict[str, list[str]] = {}

    def add(self, delta: Any) -> bool:
        content = getattr(delta, "content", None)
        if content:
            self._texts.setdefault("content", []).append(content)
            return True
        return self._add_unusual(delta)

    def _add_unusual(self, delta: Any) -> bool:
        """What most chunks do not have; some of it (reasoning) only compatible servers send."""
        has_content = False
        extra = getattr(delta, "model_extra", None) or {}
        for name, value in (("refusal", getattr(delta, "refusal", None)), *extra.items()):
            if name in ("refusal", "reasoning", "reasoning_content") and isinstance(value, str) and value:
                self._texts.setdefault(name, []).append(value)
                has_content = True
        for call in getattr(delta, "tool_calls", None) or ():
            self._add_tool_call(call)
            has_content = True
        audio = getattr(delta, "audio", None) or extra.get("audio")
        for name in ("id", "data", "transcript"):
            if piece := text(audio, name):
                self._audio.setdefault(name, []).append(piece)
                has_content = True
        if (function := getattr(delta, "function_call", None)) is not None:
            self._add_function(self._tool_calls.setdefault(0, {"function": {"name": "", "arguments": []}}), function)
            has_content = True
        return has_content

    def _add_tool_call(self, call: Any) -> None:
        joined = self._tool_calls.setdefault(call.index, {"function": {"name": "", "arguments": []}})
        if call.id:
            joined["id"] = call.id
        if call.function is not None:
            self._add_function(joined, call.function)

    @staticmethod
    def _add_function(joined: dict[str, Any], function: Any) -> None:
        if function.name:
            joined["function"]["name"] = function.name
        if function.arguments:
            joined["function"]["arguments"].append(function.arguments)

    def choice(self) -> dict[str, Any]:
        message: dict[str, Any] = {name: "".join(pieces) for name, pieces in self._texts.items()}
        message["tool_calls"] = [
            {**call, "function": {**call["function"], "arguments": "".join(call["function"]["arguments"])}}
            for _, call in sorted(self._tool_calls.items())
        ]
        if self._audio:
            message["audio"] = {name: "".join(pieces) for name, pieces in self._audio.items()}
            # Each piece is base64 by itself, with padding of its own.
            data = b"".join(map(b64decode, self._audio.get("data", ())))
            message["audio"]["data"] = b64encode(data).decode()
        return {"message": message, "finish_reason": self.finish_reason}


class ResponseEvents:
    """Joins the events of the Responses API. The last event carries all; the rest is for streams that break off."""

    def __init__(self) -> None:
        self._response: Any = None
        self._is_final = False
        self._items: dict[int, Any] = {}
        self._pieces: dict[int, list[str]] = {}

    def add(self, event: Any) -> bool:
        """Take in an event; True when it carries a piece of output."""
        kind: str = event.type
        if kind.endswith(".delta"):
            if kind in ("response.output_text.delta", "response.refusal.delta"):
                self._pieces.setdefault(event.output_index, []).append(event.delta)
            return True
        if kind == "response.output_item.done":
            self._items[event.output_index] = event.item
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            self._response, self._is_final = event.response, True
        elif kind == "response.created":
            self._response = event.response
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
        begun = {
            index: {"type": "message", "content": "".join(pieces)}
            for index, pieces in self._pieces.items()
            if index not in self._items
        }
        output = [item for _, item in sorted({**self._items, **begun}.items())]
        known = {name: field(self._response, name) for name in ("id", "model", "status", "service_tier", "error")}
        return {**known, "output": output}


def is_usage_chunk(chunk: Any) -> bool:
    """Whether a chat chunk brings nothing but the usage."""
    return not chunk.choices and chunk.usage is not None
