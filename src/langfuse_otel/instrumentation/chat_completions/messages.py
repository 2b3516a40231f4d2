"""Messages of chat completions → messages of the conventions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.chat_completions.response import finish_reason
from langfuse_otel.instrumentation.chat_completions.tools import tool_definition
from langfuse_otel.instrumentation.declare import Arguments, Content
from langfuse_otel.instrumentation.fields import field, fields, items, text
from langfuse_otel.instrumentation.messages import Message, Part
from langfuse_otel.instrumentation.typed_blocks import parts_of


def chat_input(arguments: Arguments) -> Content:
    """Messages and tools of a request."""
    functions = ({"type": "function", "function": function} for function in items(arguments, "functions"))
    return {
        names.INPUT_MESSAGES: [input_message(message) for message in items(arguments, "messages")],
        names.TOOL_DEFINITIONS: [tool_definition(tool) for tool in (*items(arguments, "tools"), *functions)],
    }


def chat_output(completion: Any) -> Content:
    """One message a choice."""
    return {names.OUTPUT_MESSAGES: [output_message(choice) for choice in items(completion, "choices")]}


def input_message(message: Any) -> Message:
    """A message of a request: a dict, or an answer's model object that is sent back."""
    given = fields(message)
    role, content = text(given, "role") or "user", given.get("content")
    if len(given) == 2 and content and isinstance(content, str):  # no more than who said what, as most messages are
        return said.message(role, [said.text(content)])
    if role in ("tool", "function"):
        call_id = text(given, "tool_call_id") or text(given, "name")
        return said.message("tool", [said.tool_call_response(call_id, _plain_content(content))])
    return said.message(role, _parts(given), name=text(given, "name"))


def output_message(choice: Any) -> Message:
    """One choice of an answer."""
    given = fields(field(choice, "message"))
    role = text(given, "role") or "assistant"
    return said.message(role, _parts(given), finish_reason=finish_reason(choice))


def _parts(message: dict[str, Any]) -> list[Part]:
    parts: list[Part] = []
    # Servers that show the model's thoughts call them one or the other, or both.
    if thought := text(message, "reasoning_content") or text(message, "reasoning"):
        parts.append(said.reasoning(thought))
    for name, read in _PARTS:
        if value := message.get(name):
            parts.extend(read(value))
    return parts


def _refusal(refused: Any) -> Iterable[Part]:
    return (said.refusal(refused),) if isinstance(refused, str) else ()


def _tool_calls(calls: Any) -> Iterable[Part]:
    return map(_tool_call, calls) if isinstance(calls, (list, tuple)) else ()


def _tool_call(call: Any) -> Part:
    function = field(call, "function")
    if function is not None:
        return said.tool_call(text(call, "id"), text(function, "name"), field(function, "arguments"))
    custom = field(call, "custom")
    return said.tool_call(text(call, "id"), text(custom, "name"), field(custom, "input"))


def _function_call(function: Any) -> Iterable[Part]:
    name = text(function, "name")
    return (said.tool_call(None, name, field(function, "arguments")),) if name else ()


def _audio(audio: Any) -> Iterator[Part]:
    if data := text(audio, "data"):
        yield said.blob("audio", data)
    elif audio_id := text(audio, "id"):
        yield said.file("audio", audio_id)
    if transcript := text(audio, "transcript"):
        yield said.text(transcript)


def _plain_content(content: Any) -> Any:
    """A tool's answer: its text, if it is text only."""
    if not isinstance(content, (list, tuple)):
        return content
    texts = [text(part, "text") for part in content]
    return list(content) if None in texts else "".join(filter(None, texts))


# The fields of a message that have something to show, in the order in which it is shown.
_PARTS: tuple[tuple[str, Callable[[Any], Iterable[Part]]], ...] = (
    ("content", parts_of),
    ("refusal", _refusal),
    ("tool_calls", _tool_calls),
    ("function_call", _function_call),
    ("audio", _audio),
)
