"""Input and output: the first source that has either wins for both (langfuse-api.md, section 3.10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from langfuse_otel.server.mapping.values import text
from langfuse_otel.server.otlp_spans import Attributes, Event, Span

_MESSAGE_EVENTS = frozenset(f"gen_ai.{role}.message" for role in ("system", "user", "assistant", "tool"))
_DETAILS_EVENT = "gen_ai.client.inference.operation.details"
# Rows 9, 12 to 15, 20 and 21 of the table; the others belong to libraries that our tools do not speak for.
_PAIRS = (
    ("prompt", "all_messages_events"),
    ("mlflow.spanInputs", "mlflow.spanOutputs"),
    ("traceloop.entity.input", "traceloop.entity.output"),
    ("input.value", "output.value"),
    ("input", "output"),
    ("gen_ai.input.messages", "gen_ai.output.messages"),
    ("gen_ai.tool.call.arguments", "gen_ai.tool.call.result"),
)
_INSTRUCTIONS = "gen_ai.system_instructions"


@dataclass(frozen=True, slots=True)
class Content:
    """Input and output as text, and the attributes that they were taken from."""

    input: str | None = None
    output: str | None = None
    used: frozenset[str] = frozenset()


def content(span: Span) -> Content:
    """What went in and came out."""
    attributes = span.attributes
    own = ("langfuse.observation.input", "langfuse.observation.output")
    if any(attributes.get(name) is not None for name in own):  # an empty text counts here, and only here
        return Content(text(attributes.get(own[0])), text(attributes.get(own[1])), frozenset(own))
    return _from_events(span.events) or _from_attributes(attributes) or Content()


def _from_events(events: list[Event]) -> Content | None:
    for event in events:
        if event.name == _DETAILS_EVENT:
            return _from_attributes(event.attributes)
    asked = [_as_message(event) for event in events if event.name in _MESSAGE_EVENTS]
    chosen = [_as_message(event) for event in events if event.name == "gen_ai.choice"]
    if not asked and not chosen:
        return None
    return Content(text(asked or None), text(chosen[0] if len(chosen) == 1 else chosen or None))


def _as_message(event: Event) -> dict[str, Any]:
    role = "assistant" if event.name == "gen_ai.choice" else event.name.split(".")[1]
    return {"role": role, **event.attributes}


def _from_attributes(attributes: Attributes) -> Content | None:
    for before, after in _PAIRS:
        if attributes.get(before) or attributes.get(after):
            put_in = attributes.get(before)
            if before == "gen_ai.input.messages":
                put_in = _with_instructions(put_in, attributes.get(_INSTRUCTIONS))
            return Content(text(put_in), text(attributes.get(after)), frozenset((before, after, _INSTRUCTIONS)))
    return None


def _with_instructions(messages: Any, instructions: Any) -> Any:
    """System instructions as a first message, unless there is one."""
    if not isinstance(messages, str) or not instructions:
        return messages
    try:
        decoded, parts = msgspec.json.decode(messages), msgspec.json.decode(instructions)
    except (msgspec.DecodeError, TypeError):
        return messages
    if not isinstance(decoded, list) or any(isinstance(m, dict) and m.get("role") == "system" for m in decoded):
        return messages
    joined = "\n".join(str(part.get("content", "")) for part in parts if isinstance(part, dict))
    return msgspec.json.encode([{"role": "system", "content": joined}, *decoded]).decode()
