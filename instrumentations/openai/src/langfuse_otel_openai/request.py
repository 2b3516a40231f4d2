"""Arguments of the client's methods → attributes and messages."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import Arguments, Attributes, Content
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.fields import field, items, number, text, whole
from langfuse_otel_openai.chat_messages import input_message
from langfuse_otel_openai.response_items import message_of_item

_API_TYPE = "openai.api.type"
_SERVICE_TIER = "openai.request.service_tier"


def chat_request(arguments: Arguments) -> Attributes:
    """Attributes of ``chat.completions`` requests."""
    arguments = _sent(arguments)
    stop = arguments.get("stop")
    choices = whole(arguments, "n")
    response_format = arguments.get("response_format")
    return _given(
        {
            **_sampling(arguments),
            _API_TYPE: "chat_completions",
            names.REQUEST_MAX_TOKENS: whole(arguments, "max_completion_tokens") or whole(arguments, "max_tokens"),
            names.REQUEST_FREQUENCY_PENALTY: number(arguments, "frequency_penalty"),
            names.REQUEST_PRESENCE_PENALTY: number(arguments, "presence_penalty"),
            names.REQUEST_STOP_SEQUENCES: [stop] if isinstance(stop, str) else _strings(stop),
            names.REQUEST_SEED: whole(arguments, "seed"),
            names.REQUEST_CHOICE_COUNT: choices if choices != 1 else None,
            names.REQUEST_REASONING_LEVEL: text(arguments, "reasoning_effort"),
            names.OUTPUT_TYPE: "speech" if "audio" in items(arguments, "modalities") else _output_type(response_format),
        }
    )


def responses_request(arguments: Arguments) -> Attributes:
    """Attributes of ``responses`` requests."""
    arguments = _sent(arguments)
    conversation = arguments.get("conversation")
    text_format = arguments.get("text_format") or field(arguments.get("text"), "format")
    return _given(
        {
            **_sampling(arguments),
            _API_TYPE: "responses",
            names.REQUEST_MAX_TOKENS: whole(arguments, "max_output_tokens"),
            names.REQUEST_REASONING_LEVEL: text(arguments.get("reasoning"), "effort"),
            names.REQUEST_PREVIOUS_RESPONSE_ID: text(arguments, "previous_response_id"),
            names.CONVERSATION_ID: conversation if isinstance(conversation, str) else text(conversation, "id"),
            names.OUTPUT_TYPE: _output_type(text_format),
        }
    )


def embeddings_request(arguments: Arguments) -> Attributes:
    """Attributes of ``embeddings`` requests."""
    arguments = _sent(arguments)
    encoding_format = text(arguments, "encoding_format")
    return _given(
        {
            names.EMBEDDINGS_DIMENSION_COUNT: whole(arguments, "dimensions"),
            names.REQUEST_ENCODING_FORMATS: [encoding_format] if encoding_format else None,
        }
    )


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


def embeddings_input(arguments: Arguments) -> Content:
    """The texts to embed, as one message; token lists are not shown."""
    given = arguments.get("input")
    texts = [given] if isinstance(given, str) else _strings(given) or ()
    return {names.INPUT_MESSAGES: [said.message("user", map(said.text, texts))] if texts else None}


def asks_for_usage(arguments: Arguments) -> dict[str, Any] | None:
    """The arguments of a chat stream with ``stream_options.include_usage`` added; None where that changes nothing.

    Raw responses stay as they are: the application may read their bytes, where the extra chunk cannot be hidden.
    """
    if not arguments.get("stream") or "X-Stainless-Raw-Response" in (arguments.get("extra_headers") or {}):
        return None
    options = arguments.get("stream_options")
    options = options if isinstance(options, dict) else {}
    return None if "include_usage" in options else {**arguments, "stream_options": {**options, "include_usage": True}}


def _sent(arguments: Arguments) -> Arguments:
    """The arguments as the server gets them: ``extra_body`` wins."""
    extra = arguments.get("extra_body")
    return {**arguments, **extra} if isinstance(extra, dict) else arguments


def _sampling(arguments: Arguments) -> dict[str, Any]:
    """What chat and responses requests have in common."""
    return {
        names.REQUEST_STREAM: True if arguments.get("stream") else None,
        names.REQUEST_TEMPERATURE: number(arguments, "temperature"),
        names.REQUEST_TOP_P: number(arguments, "top_p"),
        _SERVICE_TIER: text(arguments, "service_tier"),
    }


def _given(attributes: dict[str, Any]) -> Attributes:
    return {name: value for name, value in attributes.items() if value is not None}


def _strings(value: Any) -> list[str] | None:
    if not isinstance(value, (list, tuple)):
        return None
    return [item for item in value if isinstance(item, str)] or None


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
