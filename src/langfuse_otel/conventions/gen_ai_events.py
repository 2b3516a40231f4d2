"""GenAI conventions that write content as span events (genai-semconv.md, sections 4 and 9).

A message is an event (``gen_ai.user.message``), or a prompt is (``gen_ai.content.prompt``), or one event has all
attributes of the conventions since v1.37. Each span with events is looked at: no attribute tells what is in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.trace import Event

from langfuse_otel.conventions import chat_messages, gen_ai, values
from langfuse_otel.conventions.convention import Convention
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.json_safe import json_safe
from langfuse_otel.observation import Message

_MESSAGE_EVENTS = {
    "gen_ai.system.message": ("input", "system"),
    "gen_ai.user.message": ("input", "user"),
    "gen_ai.assistant.message": ("input", "assistant"),
    "gen_ai.tool.message": ("input", "tool"),
    "gen_ai.choice": ("output", "assistant"),
}
_CONTENT_EVENTS = {
    "gen_ai.content.prompt": ("gen_ai.prompt", "input", "user"),
    "gen_ai.content.completion": ("gen_ai.completion", "output", "assistant"),
}
_DETAILS_EVENT = "gen_ai.client.inference.operation.details"
_DETAILS = (
    *("gen_ai.input.messages", "gen_ai.output.messages"),
    *("gen_ai.system_instructions", "gen_ai.tool.definitions"),
)
_EVENT_CONTENT = "gen_ai.event.content"  # Azure's libraries have the whole message in it, as JSON


def _compose(reader: Reader) -> None:
    found: dict[str, list[Any]] = {"input": [], "output": []}
    sources: dict[str, list[Event]] = {"input": [], "output": []}
    read: list[Event] = []
    for event in reader.events:
        if event.name == _DETAILS_EVENT:
            if _details(reader, event):
                read.append(event)
        elif event.name in _MESSAGE_EVENTS:
            field, role = _MESSAGE_EVENTS[event.name]
            found[field].extend(chat_messages.messages([_body(event, reader.attributes)], role))
            sources[field].append(event)
        elif event.name in _CONTENT_EVENTS:
            key, field, role = _CONTENT_EVENTS[event.name]
            content = chat_messages.of_text((event.attributes or {}).get(key), role)
            found[field].extend(content if isinstance(content, list) else () if content is None else (content,))
            if not _besides(event, reader.attributes, key):
                sources[field].append(event)
    for field, said in found.items():
        if chat_messages.settle(reader, field, _without_envelope(said, is_tool=reader.fields.get("type") == "tool")):
            read.extend(sources[field])
    if read:
        # They are not listed in the metadata once more.
        reader.events = [event for event in reader.events if not any(event is other for other in read)]


def _details(reader: Reader, event: Event) -> bool:
    """Read an event that has the content as attributes of the conventions since v1.37; whether it says nothing else."""
    attributes = dict(event.attributes or {})
    as_span = Reader(reader.span, attributes, reader.start_ns, reader.end_ns)
    as_span.mine = {key: attributes[key] for key in _DETAILS if key in attributes}
    gen_ai.CONVENTION.compose(as_span)
    settled = [chat_messages.settle(reader, field, value) for field, value in as_span.fields.items()]
    return bool(settled) and all(settled) and not as_span.mine and not _besides(event, reader.attributes, *_DETAILS)


def _without_envelope(said: list[Any], *, is_tool: bool) -> Any:
    """A text that is no message as it is, and of a tool's span the arguments or the result without a message's role."""
    only = said[0] if len(said) == 1 else None
    if is_tool and isinstance(only, Message) and only == Message(only.role, only.content):
        return only.content
    return only if isinstance(only, str) else said


def _body(event: Event, known: Mapping[str, Any]) -> dict[str, Any]:
    """The message in an event, without what the span says as well (``gen_ai.system``)."""
    body: dict[str, Any] = {"content": None, **_besides(event, known)}
    if "id" in body and body["id"] == known.get("gen_ai.tool.call.id"):
        del body["id"]
    whole = values.json_object(body.get(_EVENT_CONTENT))
    if whole is not None:
        del body[_EVENT_CONTENT]
        body.update(whole)
    elif _EVENT_CONTENT in body and body["content"] is None:
        body["content"] = body.pop(_EVENT_CONTENT)
    return body


def _besides(event: Event, known: Mapping[str, Any], *taken: str) -> dict[str, Any]:
    """An event's attributes that are neither ``taken`` nor known from the span."""
    attributes = {name: value for name, value in (event.attributes or {}).items() if name not in taken}
    safe = {name: json_safe(value) for name, value in attributes.items() if name not in known or known[name] != value}
    if safe.get("event.name") == event.name:
        del safe["event.name"]
    return safe


CONVENTION = Convention(
    name="gen_ai_events",
    compose=_compose,
    of_events=True,
    composes={
        "input": (
            f"event {_DETAILS_EVENT}",
            *(f"event {name}" for name, (field, _) in _MESSAGE_EVENTS.items() if field == "input"),
            "event gen_ai.content.prompt",
        ),
        "output": (f"event {_DETAILS_EVENT}", "event gen_ai.choice", "event gen_ai.content.completion"),
    },
)
