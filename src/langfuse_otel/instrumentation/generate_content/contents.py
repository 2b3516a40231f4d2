"""Contents → messages. The same contents come in requests and in answers, as models or as dicts in two spellings."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.fields import fields, known
from langfuse_otel.instrumentation.messages import Message, Part


def get(source: Any, name: str) -> Any:
    """A field of a model, or of a dict in Python's or in JSON's spelling; None when it is not there."""
    if not isinstance(source, dict):
        return getattr(source, name, None)
    first, *others = name.split("_")
    return source.get(name, source.get(first + "".join(map(str.capitalize, others))))


def spelled(source: Any, wanted: Iterable[str]) -> dict[str, Any]:
    """Those of the wanted fields that are there, in Python's spelling."""
    return {name: value for name in wanted if (value := get(source, name)) is not None}


def word(value: Any) -> str | None:
    """A word, or a member of an enum of words."""
    return None if value is None else str(getattr(value, "value", value))


def messages_of(contents: Any) -> list[Message]:
    """Contents as the client takes them: one or a list; what has no role of its own is said by the user, at once."""
    messages: list[Message] = []
    listed = contents if isinstance(contents, (list, tuple)) else (contents,)
    for is_whole, run in groupby(listed, key=lambda content: get(content, "parts") is not None):
        some = list(run)
        messages += map(message_of, some) if is_whole else [said.turn("user", parts_of(some))]
    return messages


def message_of(content: Any, finish_reason: str | None = None) -> Message:
    """One content, or one candidate's."""
    role = get(content, "role") or ("model" if finish_reason else "user")
    parts = said.joined(parts_of(get(content, "parts")))
    return said.turn("assistant" if role == "model" else role, parts, finish_reason=finish_reason)


def parts_of(content: Any) -> list[Part]:
    """The parts of a content, of a list of parts, or of a text."""
    parts = get(content, "parts") if get(content, "parts") is not None else content
    return [_part(part) for part in (parts if isinstance(parts, (list, tuple)) else (parts,)) if part is not None]


def _part(part: Any) -> Part:
    if isinstance(part, str):
        return said.text(part)
    if isinstance(text := get(part, "text"), str):
        return said.reasoning(text) if get(part, "thought") else said.text(text)
    if (call := get(part, "function_call")) is not None:
        return said.tool_call(get(call, "id"), get(call, "name"), get(call, "args") or {})
    if (answer := get(part, "function_response")) is not None:
        return {**said.tool_call_response(get(answer, "id"), get(answer, "response")), "name": get(answer, "name")}
    if (data := get(part, "inline_data")) is not None:
        return said.data(get(data, "data"), get(data, "mime_type"))
    file = get(part, "file_data") or part
    if address := get(file, "file_uri") or get(file, "uri"):
        return said.uri(said.modality(get(file, "mime_type")), address, get(file, "mime_type"))
    for name in ("executable_code", "code_execution_result"):
        if (code := get(part, name)) is not None:
            return said.server_tool_call(None, name, known(fields(code)))
    return {"type": type(part).__name__, **(part if isinstance(part, dict) else {})}
