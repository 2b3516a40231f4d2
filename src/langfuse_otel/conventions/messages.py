"""Messages of the GenAI semantic conventions (genai-semconv.md, section 3) as messages of the OpenAI chat format.

Langfuse finds tool calls in the chat format and not in OpenTelemetry's ``parts`` (real-langfuse.md). Messages of the
common kinds of parts are decoded straight into structs, which is most of the speed of reading a span; as soon as
there is anything else in them, `parts` reads them all, and drops nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec

from langfuse_otel.conventions import parts, values
from langfuse_otel.observation import Message, ToolCall, ToolFunction


class _Text(msgspec.Struct, tag="text", forbid_unknown_fields=True, gc=False):
    content: str


class _Reasoning(msgspec.Struct, tag="reasoning", forbid_unknown_fields=True, gc=False):
    content: str


class _ToolCall(msgspec.Struct, tag="tool_call", forbid_unknown_fields=True):
    name: str
    id: str | None = None
    arguments: Any = None


class _ToolAnswer(msgspec.Struct, tag="tool_call_response", forbid_unknown_fields=True):
    response: Any = None
    id: str | None = None


class _Uri(msgspec.Struct, tag="uri", forbid_unknown_fields=True, gc=False):
    uri: str
    modality: str | msgspec.UnsetType = msgspec.UNSET
    mime_type: str | msgspec.UnsetType = msgspec.UNSET


class _Blob(msgspec.Struct, tag="blob", forbid_unknown_fields=True, gc=False):
    content: str
    modality: str | msgspec.UnsetType = msgspec.UNSET
    mime_type: str | msgspec.UnsetType = msgspec.UNSET


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    role: str
    parts: list[_Text | _Reasoning | _ToolCall | _ToolAnswer | _Uri | _Blob]
    name: str | None = None
    finish_reason: str | None = None


_decode_messages = msgspec.json.Decoder(list[_Message]).decode
_decode_texts = msgspec.json.Decoder(list[_Text]).decode


def conversation(value: object) -> list[Any] | None:
    """Chat messages of ``gen_ai.input.messages`` or ``gen_ai.output.messages``, JSON text or structured.

    None if it is no list. An item that is no message with parts stays as it is: it may be in the chat format already.
    """
    if type(value) is str:
        try:
            found = _decode_messages(value)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            pass
        else:
            messages: list[Any] = []
            for message in found:
                _append(messages, message)
            return messages
    listed = values.decoded(value)
    return parts.conversation(listed) if isinstance(listed, list) else None


def system_message(value: object) -> Message | None:
    """The system message that ``gen_ai.system_instructions`` makes: a list of parts, of messages, or plain text."""
    if type(value) is str:
        try:
            found = _decode_texts(value)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            pass
        else:
            return Message("system", "\n".join([part.content for part in found])) if found else None
    decoded = values.decoded(value)
    if decoded is None:
        return Message("system", value) if isinstance(value, str) and value else None
    return parts.system_message(decoded)


def _append(messages: list[Any], message: _Message) -> None:
    """Append the chat messages that one message makes: one, and one more for each tool's answer in it."""
    first = message.parts[0] if len(message.parts) == 1 else None
    if isinstance(first, _Text):
        messages.append(Message(message.role, first.content, message.name, finish_reason=message.finish_reason))
        return
    content: list[Any] = []
    reasoning: list[str] = []
    calls: list[ToolCall] = []
    answers: list[Message] = []
    for part in message.parts:
        if isinstance(part, _Text):
            content.append(part.content)
        elif isinstance(part, _ToolCall):
            calls.append(ToolCall(ToolFunction(part.name, parts.arguments_text(part.arguments)), part.id))
        elif isinstance(part, _ToolAnswer):
            answers.append(Message("tool", parts.answer_text(part.response), tool_call_id=part.id))
        elif isinstance(part, _Reasoning):
            reasoning.append(part.content)
        else:
            content.append(parts.content_item(msgspec.to_builtins(part)))
    messages.extend(answers)
    if content or calls or reasoning or message.name or message.finish_reason or not answers:
        messages.append(
            Message(
                message.role,
                parts.joined(content),
                message.name,
                calls or None,
                reasoning_content="\n".join(reasoning) if reasoning else None,
                finish_reason=message.finish_reason,
            )
        )
