"""Messages of chat completions → messages of the conventions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.fields import field, items, text
from langfuse_otel.instrumentation.messages import Message, Part


def input_message(message: Any) -> Message:
    """A message of a request: a dict, or an answer's model object that is sent back."""
    role = text(message, "role") or "user"
    if role in ("tool", "function"):
        call_id = text(message, "tool_call_id") or text(message, "name")
        return said.message("tool", [said.tool_call_response(call_id, _plain_content(field(message, "content")))])
    return said.message(role, _parts(message), name=text(message, "name"))


def output_message(choice: Any) -> Message:
    """One choice of an answer."""
    message = field(choice, "message")
    role = text(message, "role") or "assistant"
    return said.message(role, _parts(message), finish_reason=text(choice, "finish_reason"))


def _parts(message: Any) -> Iterator[Part]:
    # Compatible servers' fields, which the client's models keep apart: asking a model for one it lacks is slow.
    unusual = message if isinstance(message, dict) else field(message, "model_extra")
    if unusual and (thought := text(unusual, "reasoning_content") or text(unusual, "reasoning")):
        yield said.reasoning(thought)
    yield from _content_parts(field(message, "content"))
    if refused := text(message, "refusal"):
        yield said.refusal(refused)
    for call in items(message, "tool_calls"):
        yield _tool_call(call)
    if (function := field(message, "function_call")) is not None and text(function, "name"):
        yield said.tool_call(None, text(function, "name"), field(function, "arguments"))
    if (audio := field(message, "audio")) is not None:
        if data := text(audio, "data"):
            yield said.blob("audio", data)
        elif audio_id := text(audio, "id"):
            yield said.file("audio", audio_id)
        if transcript := text(audio, "transcript"):
            yield said.text(transcript)


def _tool_call(call: Any) -> Part:
    function = field(call, "function")
    if function is not None:
        return said.tool_call(text(call, "id"), text(function, "name"), field(function, "arguments"))
    custom = field(call, "custom")
    return said.tool_call(text(call, "id"), text(custom, "name"), field(custom, "input"))


def _content_parts(content: Any) -> Iterable[Part]:
    if isinstance(content, str):
        return (said.text(content),) if content else ()
    return map(_content_part, content) if isinstance(content, (list, tuple)) else ()


def _content_part(part: Any) -> Part:
    kind = text(part, "type")
    if kind == "text":
        return said.text(text(part, "text") or "")
    if kind == "refusal":
        return said.refusal(text(part, "refusal") or "")
    if kind == "image_url":
        image = field(part, "image_url")
        return said.media("image", image if isinstance(image, str) else text(image, "url") or "")
    if kind == "input_audio":
        audio = field(part, "input_audio")
        return said.blob("audio", text(audio, "data") or "", f"audio/{text(audio, 'format') or 'wav'}")
    if kind == "file":
        file = field(part, "file")
        file_id = text(file, "file_id")
        return said.file("document", file_id) if file_id else said.media("document", text(file, "file_data") or "")
    return part if isinstance(part, dict) and kind else {"type": kind or "unknown"}


def _plain_content(content: Any) -> Any:
    """A tool's answer: its text, if it is text only."""
    if not isinstance(content, (list, tuple)):
        return content
    texts = [text(part, "text") for part in content]
    return list(content) if None in texts else "".join(filter(None, texts))
