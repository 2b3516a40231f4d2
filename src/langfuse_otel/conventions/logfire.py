"""Logfire, and its own wrappers of the OpenAI and Anthropic clients (genai-semconv.md, section 12).

It comes after the GenAI conventions, which the wrappers write too since their second version. ``logfire.json_schema``
and ``logfire.msg_template`` stay metadata.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import StatusCode

from langfuse_otel.conventions import anthropic_messages, bodies, chat_messages, foreign_parts, usage, values
from langfuse_otel.conventions.convention import Convention, Field
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.observation import Level, Message

_MESSAGE, _SPAN_TYPE = "logfire.msg", "logfire.span_type"
_REQUEST, _RESPONSE = "request_data", "response_data"
_OPENAI, _ANTHROPIC = "logfire.openai", "logfire.anthropic"  # scopes of the wrappers
_OUTPUT_KEYS = ("message", "text", "combined_chunk_content", "images")
_NOT_USED = {"input": 0, "output": 0, "total": 0}


def _level(value: object) -> Level | None:
    """OpenTelemetry's severity numbers: up to 8 debug, from 13 warning, from 17 error; info says nothing."""
    number = values.count(value)
    if number is None or 9 <= number < 13:
        return None
    return "DEBUG" if number < 9 else "WARNING" if number < 17 else "ERROR"


def _compose(reader: Reader) -> None:
    _name(reader)
    if reader.mine.get(_SPAN_TYPE) == "pending_span":
        _pending(reader)
    scope = reader.span.instrumentation_scope
    if scope is not None and scope.name in (_OPENAI, _ANTHROPIC):
        _call(reader, anthropic=scope.name == _ANTHROPIC)


def _name(reader: Reader) -> None:
    """The message is the span's name with its arguments filled in, but not better than a name by the conventions."""
    operation, message = reader.attributes.get("gen_ai.operation.name"), values.text(reader.mine.get(_MESSAGE))
    conventional = isinstance(operation, str) and str(reader.span.name).startswith(f"{operation} ")
    if message is not None and not conventional and reader.wants("name"):
        del reader.mine[_MESSAGE]
        reader.offer("name", message)


def _pending(reader: Reader) -> None:
    """A span that announces another: no more than a debug line, and no call to be billed."""
    if reader.span.status.status_code is not StatusCode.ERROR:
        reader.offer("level", "DEBUG")
    reader.offer("usage", dict(_NOT_USED))


def _call(reader: Reader, *, anthropic: bool) -> None:
    request, response = values.json_object(reader.mine.get(_REQUEST)), values.json_object(reader.mine.get(_RESPONSE))
    if request is not None:
        _request(reader, request, anthropic=anthropic)
    if response is not None:
        _response(reader, response)
    elif request is not None and request.get("stream") is True:
        # A streamed call makes two spans; the other one, the log at its end, has the output and is billed.
        reader.offer("usage", dict(_NOT_USED))


def _request(reader: Reader, request: dict[str, Any], *, anthropic: bool) -> None:
    """The call's arguments, Anthropic's as OpenAI has them."""
    found = request.get("messages")
    if anthropic and found:
        system = request.pop("system", None)
        listed = found if isinstance(found, list) else [found]
        asked = [{"role": "system", "content": system}, *listed] if system else listed
        request["messages"] = foreign_parts.conversation(asked, anthropic_messages.part)
    bodies.take_request(reader, _REQUEST, request)


def _response(reader: Reader, response: dict[str, Any]) -> None:
    del reader.mine[_RESPONSE]
    key = next((key for key in _OUTPUT_KEYS if response.get(key)), None)
    if key is not None and reader.wants("output"):
        reader.offer("output", _answer(response.pop(key)))
    spent = response.get("usage")
    counted, complete = usage.of_answer(spent) if isinstance(spent, dict) else ({}, False)
    if counted and reader.wants("usage"):
        reader.offer("usage", counted)
        if complete:
            del response["usage"]
    if response:
        reader.metadata[_RESPONSE] = response


def _answer(found: Any) -> Any:
    if isinstance(found, str):
        return Message("assistant", found)
    return chat_messages.messages([found], "assistant")[0] if chat_messages.is_message(found) else found


CONVENTION = Convention(
    name="logfire",
    fields={
        "logfire.tags": Field("tags", values.tags),
        "logfire.level_num": Field("level", _level, kept=True),
    },
    parts=frozenset((_MESSAGE, _SPAN_TYPE, _REQUEST, _RESPONSE)),
    compose=_compose,
    composes={
        "name": (_MESSAGE,),
        "level": (f"{_SPAN_TYPE} (pending_span: DEBUG)",),
        "model": (f"{_REQUEST} (model, if nothing else says it)",),
        "model_parameters": (f"{_REQUEST} (the rest)",),
        "input": (f"{_REQUEST} (messages, input or prompt, tools)",),
        "output": (f"{_RESPONSE} (message, text or images)",),
        "usage": (
            f"{_SPAN_TYPE} (pending_span: none)",
            f"{_RESPONSE} (usage)",
            f"{_REQUEST} (of a stream's start: none)",
        ),
        "metadata": (f"{_REQUEST} (the rest)", f"{_RESPONSE} (the rest)"),
    },
)
