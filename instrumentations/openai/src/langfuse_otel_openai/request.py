"""Arguments of the client's methods → attributes and messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from opentelemetry.util.types import AttributeValue

from langfuse_otel.instrumentation import Arguments, Attributes, Content
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.fields import field, items, number, text, whole
from langfuse_otel_openai.chat_messages import input_message
from langfuse_otel_openai.response_items import message_of_item

_API_TYPE = "openai.api.type"
_SERVICE_TIER = "openai.request.service_tier"

# What an argument says: the name of the attribute, and what reads the argument. A reader gives None for values of the
# wrong type, the client's sentinels for "not given" among them.
_Says: TypeAlias = dict[str, tuple[str, Callable[[Arguments, str], AttributeValue | None]]]


def _is_set(arguments: Arguments, name: str) -> bool | None:
    return True if arguments[name] is True else None


def _strings(arguments: Arguments, name: str) -> list[str] | None:
    value = arguments[name]
    if isinstance(value, str):
        return [value]
    return [item for item in items(arguments, name) if isinstance(item, str)] or None


def _choice_count(arguments: Arguments, name: str) -> int | None:
    count = whole(arguments, name)
    return count if count != 1 else None


def _format_type(arguments: Arguments, name: str) -> str | None:
    return _output_type(arguments[name])


_SAMPLING: _Says = {
    "stream": (names.REQUEST_STREAM, _is_set),
    "temperature": (names.REQUEST_TEMPERATURE, number),
    "top_p": (names.REQUEST_TOP_P, number),
    "service_tier": (_SERVICE_TIER, text),
}
_COMPLETION: _Says = {
    **_SAMPLING,
    "max_tokens": (names.REQUEST_MAX_TOKENS, whole),
    "frequency_penalty": (names.REQUEST_FREQUENCY_PENALTY, number),
    "presence_penalty": (names.REQUEST_PRESENCE_PENALTY, number),
    "stop": (names.REQUEST_STOP_SEQUENCES, _strings),
    "seed": (names.REQUEST_SEED, whole),
    "n": (names.REQUEST_CHOICE_COUNT, _choice_count),
}
_CHAT: _Says = {
    **_COMPLETION,
    "max_completion_tokens": (names.REQUEST_MAX_TOKENS, whole),
    "reasoning_effort": (names.REQUEST_REASONING_LEVEL, text),
    "response_format": (names.OUTPUT_TYPE, _format_type),
    "modalities": (names.OUTPUT_TYPE, lambda given, name: "speech" if "audio" in items(given, name) else None),
}
_RESPONSES: _Says = {
    **_SAMPLING,
    "max_output_tokens": (names.REQUEST_MAX_TOKENS, whole),
    "reasoning": (names.REQUEST_REASONING_LEVEL, lambda given, name: text(given[name], "effort")),
    "previous_response_id": (names.REQUEST_PREVIOUS_RESPONSE_ID, text),
    "conversation": (names.CONVERSATION_ID, lambda given, name: text(given, name) or text(given[name], "id")),
    "text": (names.OUTPUT_TYPE, lambda given, name: _output_type(field(given[name], "format"))),
    "text_format": (names.OUTPUT_TYPE, _format_type),
}
_EMBEDDINGS: _Says = {
    "dimensions": (names.EMBEDDINGS_DIMENSION_COUNT, whole),
    "encoding_format": (names.REQUEST_ENCODING_FORMATS, _strings),
}


def chat_request(arguments: Arguments) -> Attributes:
    """Attributes of ``chat.completions`` requests."""
    return {_API_TYPE: "chat_completions", **_said(_CHAT, arguments)}


def responses_request(arguments: Arguments) -> Attributes:
    """Attributes of ``responses`` requests."""
    return {_API_TYPE: "responses", **_said(_RESPONSES, arguments)}


def completions_request(arguments: Arguments) -> Attributes:
    """Attributes of ``completions`` requests."""
    return _said(_COMPLETION, arguments)


def embeddings_request(arguments: Arguments) -> Attributes:
    """Attributes of ``embeddings`` requests."""
    return _said(_EMBEDDINGS, arguments)


def _said(says: _Says, arguments: Arguments) -> Attributes:
    extra = arguments.get("extra_body")
    if isinstance(extra, dict):  # the server gets these as well, and in place of arguments of the same name
        arguments = {**arguments, **extra}
    attributes: Attributes = {}
    for name in arguments:
        if name in says:
            attribute, read = says[name]
            value = read(arguments, name)
            if value is not None:
                attributes[attribute] = value
    return attributes


def chat_input(arguments: Arguments) -> Content:
    """Messages and tools of ``chat.completions`` requests."""
    functions = ({"type": "function", "function": function} for function in items(arguments, "functions"))
    return {
        names.INPUT_MESSAGES: [input_message(message) for message in items(arguments, "messages")],
        names.TOOL_DEFINITIONS: [_tool(tool) for tool in (*items(arguments, "tools"), *functions)],
    }


def responses_input(arguments: Arguments) -> Content:
    """Instructions, input items and tools of ``responses`` requests."""
    given = arguments.get("input")
    instructions = text(arguments, "instructions")
    return {
        names.SYSTEM_INSTRUCTIONS: [said.text(instructions)] if instructions else None,
        names.INPUT_MESSAGES: [said.message("user", [said.text(given)])]
        if isinstance(given, str)
        else [message_of_item(item) for item in items(arguments, "input")],
        names.TOOL_DEFINITIONS: [_tool(tool) for tool in items(arguments, "tools")],
    }


def prompt_input(arguments: Arguments) -> Content:
    """The prompt of ``completions`` requests, as one message."""
    return _texts_input(arguments, "prompt")


def embeddings_input(arguments: Arguments) -> Content:
    """The texts to embed, as one message."""
    return _texts_input(arguments, "input")


def _texts_input(arguments: Arguments, name: str) -> Content:
    """One text or several; token lists are not shown."""
    texts = _strings(arguments, name) if name in arguments else None
    return {names.INPUT_MESSAGES: [said.message("user", map(said.text, texts))] if texts else None}


def asks_for_usage(arguments: Arguments) -> dict[str, Any] | None:
    """The arguments with ``stream_options.include_usage`` added; None where that changes nothing.

    Raw responses stay as they are: the application may read their bytes, where the extra chunk cannot be hidden.
    """
    if not arguments.get("stream") or "X-Stainless-Raw-Response" in (arguments.get("extra_headers") or {}):
        return None
    options = arguments.get("stream_options")
    options = options if isinstance(options, dict) else {}
    return None if "include_usage" in options else {**arguments, "stream_options": {**options, "include_usage": True}}


def _output_type(response_format: Any) -> str | None:
    if isinstance(response_format, type):  # a model class, for structured output
        return "json"
    kind = text(response_format, "type")
    return "json" if kind in ("json_object", "json_schema") else kind


def _tool(tool: Any) -> dict[str, Any]:
    """A tool definition: chat nests the function, responses do not."""
    kind = text(tool, "type") or "function"
    function = field(tool, kind) if field(tool, kind) is not None else tool
    definition = {
        "type": kind,
        "name": text(function, "name") or text(tool, "server_label") or kind,
        "description": text(function, "description"),
        "parameters": field(function, "parameters"),
    }
    return {name: value for name, value in definition.items() if value is not None}
