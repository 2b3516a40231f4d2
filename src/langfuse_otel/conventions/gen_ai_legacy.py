"""GenAI conventions before v1.37, and what libraries made of them (genai-semconv.md, sections 4, 8 and 9).

Content was three things in turn: one JSON text (``gen_ai.prompt``), indexed attributes (``gen_ai.prompt.0.role``, of
OpenLLMetry), and span events (``gen_ai.user.message``). All of them become messages of GenAI parts here, so that
`parts` makes the same chat messages as it does of ``gen_ai.input.messages``.

There are two conventions. `EVENTS` looks at each span, for its events may have the content where no attribute tells;
`CONVENTION` is called by attributes. Other old names are among the new ones in `gen_ai` and `usage`, or metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan

from langfuse_otel.conventions import anthropic_messages, foreign_parts, gen_ai, parts, values
from langfuse_otel.conventions.convention import Convention
from langfuse_otel.conventions.indexed import unflatten
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.json_safe import json_safe
from langfuse_otel.observation import Message

_FIELDS = {"gen_ai.prompt": ("input", "user"), "gen_ai.completion": ("output", "assistant")}
"""Attribute key, or prefix → field, and the role of messages that name none."""
_FUNCTIONS = "llm.request.functions."

_MESSAGE_EVENTS = {
    "gen_ai.system.message": ("input", "system"),
    "gen_ai.user.message": ("input", "user"),
    "gen_ai.assistant.message": ("input", "assistant"),
    "gen_ai.tool.message": ("input", "tool"),
    "gen_ai.choice": ("output", "assistant"),
}
_CONTENT_EVENTS = {"gen_ai.content.prompt": "gen_ai.prompt", "gen_ai.content.completion": "gen_ai.completion"}
_DETAILS_EVENT = "gen_ai.client.inference.operation.details"
_DETAILS = (
    *("gen_ai.input.messages", "gen_ai.output.messages"),
    *("gen_ai.system_instructions", "gen_ai.tool.definitions"),
)
_EVENT_CONTENT = "gen_ai.event.content"  # Azure's libraries have the whole message in it, as JSON

_MESSAGE_KEYS = frozenset(("role", "content", "message", "tool_calls", "function_call", "refusal", "reasoning"))
_THOUGHTS = ("reasoning", "reasoning_content")
_CALL_TYPES = ("function", "function_call", "tool_call")
_BEDROCK_BLOCKS: dict[str, tuple[str, Mapping[str, str]]] = {
    "toolUse": ("tool_call", {"toolUseId": "id", "input": "arguments"}),
    "toolResult": ("tool_call_response", {"toolUseId": "id", "content": "response"}),
}


def messages(items: list[Any], role: str) -> list[Any]:
    """Chat messages of decoded messages in any of the old forms; what is none stays as it is.

    ``role`` is that of messages that name none.
    """
    return parts.conversation([_with_parts(item, role) for item in items])


def without_events(span: ReadableSpan, read: Callable[[Event], bool]) -> ReadableSpan:
    """The span without the events that were ``read``, so that they are not listed in the metadata once more."""
    return ReadableSpan(
        name=span.name,
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=[event for event in span.events if not read(event)],
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _compose(reader: Reader) -> None:
    for key, (field, role) in _FIELDS.items():
        _indexed(reader, key + ".", field, role)
        found = _in_one_text(reader.mine.get(key), role)
        if found is not None and _settle(reader, field, found):
            del reader.mine[key]
    if _FUNCTIONS in reader.parts:
        _functions(reader)


def _indexed(reader: Reader, prefix: str, field: str, role: str) -> None:
    """A family of messages. What has no index is about the request, and metadata (``prompt_filter_results``)."""
    family = reader.parts.get(prefix)
    if not family:
        return
    listed = {name: json_safe(value) for name, value in family.items() if name[:1].isdigit()}
    items = unflatten(listed)
    read = isinstance(items, list) and _settle(reader, field, messages(_joined(items, role), role))
    reader.put_back(prefix + name for name in reader.family(prefix) if not (read and name in listed))


def _in_one_text(value: object, role: str) -> Any:
    """Messages of one JSON text, or the text."""
    found = values.decoded(value)
    items = found if isinstance(found, list) else [found]
    if items and all(_is_message(item) for item in items):
        return messages(items, role)
    return values.content(value)


def _functions(reader: Reader) -> None:
    """The tools that go with the messages, which are indexed too: ``{messages, tools}``, as `gen_ai` has it."""
    definitions = unflatten({name: json_safe(value) for name, value in reader.parts[_FUNCTIONS].items()})
    held = reader.winners.get("input")
    conversation = [] if held is None else reader.fields["input"]
    ours = held is None or held[1] == reader.origin
    if ours and isinstance(conversation, list) and isinstance(definitions, list):
        tools = [_tool(definition) for definition in definitions]
        reader.family(_FUNCTIONS)
        reader.offer("input", conversation)
        reader.fields["input"] = {"messages": conversation, "tools": tools}


def _tool(definition: Any) -> Any:
    if not isinstance(definition, dict):
        return definition
    parameters = values.decoded(definition.get("parameters"))
    return foreign_parts.tool(definition if parameters is None else {**definition, "parameters": parameters})


def _read_events(reader: Reader) -> None:
    events = reader.span.events
    if not events:
        return
    found: dict[str, list[Any]] = {"input": [], "output": []}
    sources: dict[str, list[Event]] = {"input": [], "output": []}
    read: list[Event] = []
    for event in events:
        if event.name == _DETAILS_EVENT:
            if _details(reader, event):
                read.append(event)
        elif event.name in _MESSAGE_EVENTS:
            field, role = _MESSAGE_EVENTS[event.name]
            found[field].extend(messages([_body(event, reader.attributes)], role))
            sources[field].append(event)
        elif event.name in _CONTENT_EVENTS:
            key = _CONTENT_EVENTS[event.name]
            field, role = _FIELDS[key]
            content = _in_one_text((event.attributes or {}).get(key), role)
            found[field].extend(content if isinstance(content, list) else () if content is None else (content,))
            if not _besides(event, reader.attributes, key):
                sources[field].append(event)
    for field, said in found.items():
        if _settle(reader, field, _without_envelope(said, is_tool=reader.fields.get("type") == "tool")):
            read.extend(sources[field])
    if read:
        reader.span = without_events(reader.span, lambda event: any(event is other for other in read))


def _details(reader: Reader, event: Event) -> bool:
    """Read an event that has the content as attributes of the conventions since v1.37; whether it says nothing else."""
    attributes = dict(event.attributes or {})
    as_span = Reader(reader.span, attributes, reader.start_ns, reader.end_ns)
    as_span.mine = {key: attributes[key] for key in _DETAILS if key in attributes}
    gen_ai.CONVENTION.compose(as_span)
    settled = [_settle(reader, field, value) for field, value in as_span.fields.items()]
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


def _settle(reader: Reader, field: str, found: Any) -> bool:
    """Offer a field, a single message of an output as itself; whether the observation says it now."""
    if field == "output" and isinstance(found, list) and len(found) == 1:
        found = found[0]
    if found and reader.wants(field):
        reader.offer(field, found)
    return bool(found) and bool(reader.fields.get(field) == found)


def _is_message(item: Any) -> bool:
    return isinstance(item, dict) and (not _MESSAGE_KEYS.isdisjoint(item) or isinstance(item.get("parts"), list))


def _joined(items: list[Any], role: str) -> list[Any]:
    """One message where one was written as several, and ``{"user": text}``, of completions, as a message.

    OpenLLMetry gives thoughts a message with the role ``thinking`` before that of the answer, and the texts of an
    embedding a message each, without a role.
    """
    joined: list[Any] = []
    thought: dict[str, Any] = {}
    for item in items:
        if _is_thought(item):
            rest = {key: value for key, value in item.items() if key not in ("role", "content")}
            thoughts = filter(None, (thought.get("reasoning"), item["content"]))
            thought = {**thought, **rest, "reasoning": "\n".join(thoughts)}
            continue
        said = {"content": item["user"]} if isinstance(item, dict) and item.keys() == {"user"} else item
        if thought and isinstance(said, dict) and all(said.get(key, value) == value for key, value in thought.items()):
            said = {**thought, **said}
        elif thought:
            joined.append(thought)
        joined.append(said)
        thought = {}
    if thought:
        joined.append(thought)
    texts = [item.get("content") for item in joined if isinstance(item, dict) and item.keys() == {"content"}]
    if role == "user" and len(texts) == len(joined) > 1 and all(isinstance(text, str) for text in texts):
        return [{"content": [{"type": "text", "text": text} for text in texts]}]
    return joined


def _is_thought(item: Any) -> bool:
    if not isinstance(item, dict) or item.get("role") != "thinking" or "reasoning" in item:
        return False
    return isinstance(item.get("content"), str)


def _with_parts(item: Any, role: str) -> Any:
    """A message of GenAI parts, or a tool's answer; keys that have no place in it stay beside them."""
    if isinstance(item, str):
        item = {"content": item}
    if not _is_message(item) or isinstance(item.get("parts"), list):
        return item
    said = {key: value for key, value in _without_choice(item).items() if value is not None}
    if said.get("role", "") == "":
        said["role"] = role
    if "parts" in said:
        return said
    found: list[Any] = []
    for key in _THOUGHTS:
        if isinstance(said.get(key), str):
            found.append({"type": "reasoning", "content": said.pop(key)})
    raw = said.pop("content", None)
    content = _content_parts(raw)
    if said["role"] == "tool" and not any(_kind(part) == "tool_call_response" for part in content):
        return _tool_answer(said, raw)
    found.extend(content)
    if isinstance(said.get("refusal"), str):
        found.append({"type": "refusal", "refusal": said.pop("refusal")})
    calls = said.get("tool_calls")
    calls = values.decoded(calls) if isinstance(calls, str) else calls
    if isinstance(calls, list):
        made = [_call_part(call) for call in calls]
        found.extend(part for part in made if part is not None)
        said["tool_calls"] = [call for call, part in zip(calls, made, strict=True) if part is None]
        if not said["tool_calls"]:
            del said["tool_calls"]
    call = _call_part(said.get("function_call"))
    if call is not None:
        found.append(call)
        del said["function_call"]
    return {**said, "parts": found}


def _tool_answer(said: dict[str, Any], content: Any) -> Message:
    """``id`` in an event, and ``tool_call_id`` elsewhere, is of the call that is answered."""
    role, name = said.pop("role"), said.pop("name") if isinstance(said.get("name"), str) else None
    key = next((key for key in ("tool_call_id", "id") if isinstance(said.get(key), str)), None)
    call_id = None if key is None else said.pop(key)
    return Message(role, parts.answer_text(_answer(content)), name, tool_call_id=call_id, extra=said or None)


def _without_choice(item: dict[str, Any]) -> dict[str, Any]:
    """A message by itself: a choice has it under ``message``, as an object, as its JSON text, or the content alone."""
    if "message" not in item:
        return dict(item)
    said = {key: value for key, value in item.items() if key != "message" and value is not None}
    if isinstance(said.get("index"), int):
        del said["index"]  # choices are in order
    inner = item["message"]
    found = values.decoded(inner)
    if isinstance(found, dict) and _is_message(found) and all(said.get(key, found[key]) == found[key] for key in found):
        return {**said, **found}
    if "content" not in said:
        return {**said, "content": inner}
    return dict(item)


def _content_parts(content: Any) -> list[Any]:
    """Content as parts."""
    blocks = _blocks(content)
    if blocks is not None:
        return [_block_part(block) if isinstance(block, dict) else block for block in blocks]
    if isinstance(content, str):
        return [{"type": "text", "content": content}] if content else []
    return [] if content is None else [content]


def _blocks(content: Any) -> list[Any] | None:
    """Content in blocks of OpenAI's, Anthropic's or Bedrock's kind, also as their JSON text; None if it is another."""
    if isinstance(content, list):
        return content
    found = values.decoded(content) if isinstance(content, str) and content.startswith("[") else None
    return found if isinstance(found, list) and found and all(_is_block(block) for block in found) else None


def _is_block(block: Any) -> bool:
    if not isinstance(block, dict):
        return False
    return isinstance(_kind(block), str) or (
        len(block) == 1 and not block.keys().isdisjoint(("text", *_BEDROCK_BLOCKS))
    )


def _kind(part: Any) -> Any:
    return part.get("type") if isinstance(part, dict) else None


def _block_part(block: dict[str, Any]) -> dict[str, Any]:
    text = _text(block)
    if text is not None:
        return {"type": "text", "content": text}
    key = next((key for key in _BEDROCK_BLOCKS if block.keys() == {key} and isinstance(block[key], dict)), None)
    made = anthropic_messages.part(block) if key is None else foreign_parts.renamed(block[key], *_BEDROCK_BLOCKS[key])
    return {**made, "response": _answer(made.get("response"))} if made.get("type") == "tool_call_response" else made


def _text(block: Any) -> str | None:
    """The text of a block that is nothing else."""
    if not isinstance(block, dict) or {"type": "text", **block}.keys() != {"type", "text"}:
        return None
    text = block.get("text")
    return text if isinstance(text, str) and block.get("type", "text") == "text" else None


def _answer(content: Any) -> Any:
    """A tool's answer, by its text if it is blocks of nothing else."""
    texts = [_text(block) for block in _blocks(content) or ()]
    return "\n".join(filter(None, texts)) if texts and None not in texts else content


def _call_part(call: Any) -> dict[str, Any] | None:
    """A tool call as the chat format nests it, or flat, as OpenLLMetry indexes it; None if it has no name."""
    if not isinstance(call, dict):
        return None
    rest = dict(call)
    named = rest.pop("function") if isinstance(rest.get("function"), dict) else {}
    rest.update(named)
    if not isinstance(rest.get("name"), str) or rest.pop("type", "function") not in _CALL_TYPES:
        return None
    arguments = values.decoded(rest.get("arguments"))
    if isinstance(arguments, (dict, list)):
        rest["arguments"] = arguments
    return {**rest, "type": "tool_call"}


EVENTS = Convention(
    name="gen_ai_events",
    compose=_read_events,
    composes={
        "input": (
            f"event {_DETAILS_EVENT}",
            *(f"event {name}" for name, (field, _) in _MESSAGE_EVENTS.items() if field == "input"),
            "event gen_ai.content.prompt",
        ),
        "output": (f"event {_DETAILS_EVENT}", "event gen_ai.choice", "event gen_ai.content.completion"),
    },
)
"""Content in span events, of spans with any attributes."""

CONVENTION = Convention(
    name="gen_ai_legacy",
    parts=frozenset(_FIELDS),
    families=(*(key + "." for key in _FIELDS), _FUNCTIONS),
    compose=_compose,
    composes={
        "input": ("gen_ai.prompt.*", "gen_ai.prompt", f"{_FUNCTIONS}* (beside the messages)"),
        "output": ("gen_ai.completion.*", "gen_ai.completion"),
    },
)
