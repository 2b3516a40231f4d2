"""Arguments of the client's methods → attributes and messages."""

from __future__ import annotations

from functools import partial
from typing import Any

from langfuse_otel.instrumentation import Arguments, Content
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.chat_completions import tool_definition
from langfuse_otel.instrumentation.fields import field, items, text, texts, whole
from langfuse_otel.instrumentation.parameters import SAMPLING, Parameters, attributes_of
from langfuse_otel_openai.response_items import message_of_item


def _format(given: Arguments, name: str) -> str | None:
    return _output_type(given[name])


def _output_type(asked: Any) -> str | None:
    if isinstance(asked, type):  # a model class, for structured output
        return "json"
    kind = text(asked, "type")
    return "json" if kind in ("json_object", "json_schema") else kind


_COMPLETION: Parameters = {**SAMPLING, "service_tier": ("openai.request.service_tier", text)}
_CHAT: Parameters = {
    **_COMPLETION,
    "max_completion_tokens": (names.REQUEST_MAX_TOKENS, whole),
    "reasoning_effort": (names.REQUEST_REASONING_LEVEL, text),
    "response_format": (names.OUTPUT_TYPE, _format),
    "modalities": (names.OUTPUT_TYPE, lambda given, name: "speech" if "audio" in items(given, name) else None),
}
_RESPONSES: Parameters = {
    **_COMPLETION,
    "max_output_tokens": (names.REQUEST_MAX_TOKENS, whole),
    "reasoning": (names.REQUEST_REASONING_LEVEL, lambda given, name: text(given[name], "effort")),
    "previous_response_id": (names.REQUEST_PREVIOUS_RESPONSE_ID, text),
    "conversation": (names.CONVERSATION_ID, lambda given, name: text(given, name) or text(given[name], "id")),
    "text": (names.OUTPUT_TYPE, lambda given, name: _output_type(field(given[name], "format"))),
    "text_format": (names.OUTPUT_TYPE, _format),
}
_EMBEDDINGS: Parameters = {
    "dimensions": (names.EMBEDDINGS_DIMENSION_COUNT, whole),
    "encoding_format": (names.REQUEST_ENCODING_FORMATS, texts),
}

completions_request = partial(attributes_of, parameters=_COMPLETION)
chat_request = partial(attributes_of, parameters=_CHAT)
responses_request = partial(attributes_of, parameters=_RESPONSES)
embeddings_request = partial(attributes_of, parameters=_EMBEDDINGS)
media_request = partial(attributes_of, parameters=SAMPLING)


def responses_input(arguments: Arguments) -> Content:
    """Instructions, input items and tools of ``responses`` requests."""
    given = arguments.get("input")
    instructions = text(arguments, "instructions")
    return {
        names.SYSTEM_INSTRUCTIONS: [said.text(instructions)] if instructions else None,
        names.INPUT_MESSAGES: [said.message("user", [said.text(given)])]
        if isinstance(given, str)
        else [message_of_item(item) for item in items(arguments, "input")],
        names.TOOL_DEFINITIONS: [tool_definition(tool) for tool in items(arguments, "tools")],
    }


def texts_input(arguments: Arguments) -> Content:
    """The prompts of ``completions`` and images, or the texts to embed, as one message; token lists are not shown."""
    given = texts(arguments, "prompt") or texts(arguments, "input")
    return {names.INPUT_MESSAGES: [said.message("user", map(said.text, given))] if given else None}
