"""Messages of the Vercel AI SDK, versions 3 to 6, as chat messages."""

from __future__ import annotations

from typing import Any

from langfuse_otel.conventions import foreign_parts, values

_CALL_NAMES = {"toolCallId": "id", "toolName": "name", "args": "arguments", "input": "arguments"}
_ANSWER_NAMES = {"toolCallId": "id", "toolName": "name", "result": "response", "output": "response"}
_MEDIA_NAMES = dict.fromkeys(("image", "data", "base64"), "content") | dict.fromkeys(
    ("mediaType", "mimeType"), "mime_type"
)


def conversation(value: object) -> list[Any] | None:
    """Messages, or ``{system, prompt or messages}`` of an outer span that has nothing else."""
    found = foreign_parts.conversation(value, part)
    asked = values.json_object(value) if found is None else None
    if asked is None or not asked.keys() <= {"system", "prompt", "messages"}:
        return found
    spoken = asked.get("messages") or asked.get("prompt") or []
    if isinstance(spoken, str):
        spoken = [{"role": "user", "content": spoken}]
    system = asked.get("system")
    if system:
        spoken = [{"role": "system", "content": system}, *spoken] if isinstance(spoken, list) else None
    return foreign_parts.conversation(spoken, part)


def part(found: dict[str, Any]) -> dict[str, Any]:
    """A part of a message as a GenAI part; one of another kind as it is."""
    kind = found.get("type")
    if kind in ("text", "reasoning"):
        return foreign_parts.renamed(found, kind, {"text": "content"})
    if kind == "tool-call":
        return foreign_parts.renamed(found, "tool_call", _CALL_NAMES)
    if kind == "tool-result":
        made = foreign_parts.renamed(found, "tool_call_response", _ANSWER_NAMES)
        answer = made.get("response")
        if isinstance(answer, dict) and answer.keys() == {"type", "value"} and answer["type"] in ("text", "json"):
            made["response"] = answer["value"]
        return made
    if kind in ("image", "file"):
        return foreign_parts.media(found, _MEDIA_NAMES, "image" if kind == "image" else None)
    return found
