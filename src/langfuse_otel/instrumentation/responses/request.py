"""Arguments of a client's methods, or the body of a request → attributes and messages."""

from __future__ import annotations

from functools import partial

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.chat_completions import output_type, tool_definition
from langfuse_otel.instrumentation.declare import Arguments, Content
from langfuse_otel.instrumentation.fields import items, text, whole
from langfuse_otel.instrumentation.parameters import SAMPLING, Parameters, attributes_of
from langfuse_otel.instrumentation.responses.items import message_of_item

_REQUEST: Parameters = {
    **SAMPLING,
    "service_tier": ("openai.request.service_tier", text),
    "max_output_tokens": (names.REQUEST_MAX_TOKENS, whole),
    "reasoning": (names.REQUEST_REASONING_LEVEL, lambda given, name: text(given[name], "effort")),
    "previous_response_id": (names.REQUEST_PREVIOUS_RESPONSE_ID, text),
    "conversation": (names.CONVERSATION_ID, lambda given, name: text(given, name) or text(given[name], "id")),
    "text": (names.OUTPUT_TYPE, lambda given, name: output_type(given[name], "format")),
    "text_format": (names.OUTPUT_TYPE, output_type),
}

responses_request = partial(attributes_of, parameters=_REQUEST)


def responses_input(arguments: Arguments) -> Content:
    """Instructions, input items and tools of a request."""
    given = arguments.get("input")
    instructions = text(arguments, "instructions")
    return {
        names.SYSTEM_INSTRUCTIONS: [said.text(instructions)] if instructions else None,
        names.INPUT_MESSAGES: [said.message("user", [said.text(given)])]
        if isinstance(given, str)
        else [message_of_item(item) for item in items(arguments, "input")],
        names.TOOL_DEFINITIONS: [tool_definition(tool) for tool in items(arguments, "tools")],
    }
