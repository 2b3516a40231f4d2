"""Arguments of a client's methods, or the body of a request → attributes and messages."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.declare import Arguments, Attributes, Content
from langfuse_otel.instrumentation.fields import field, items, known, number, text, texts, whole
from langfuse_otel.instrumentation.messages import Message
from langfuse_otel.instrumentation.typed_blocks import parts_of


def messages_request(arguments: Arguments) -> Attributes:
    """Attributes of a request. What ``extra_body`` says goes to the server in place of the argument."""
    extra = arguments.get("extra_body")
    given = {**arguments, **extra} if isinstance(extra, dict) else arguments
    thinking, output = field(given, "thinking"), field(given, "output_config")
    formats = (field(output, "format"), field(given, "output_format"))
    is_json = any(isinstance(asked, type) or text(asked, "type") == "json_schema" for asked in formats)
    attributes = {
        names.REQUEST_MAX_TOKENS: whole(given, "max_tokens"),
        names.REQUEST_TEMPERATURE: number(given, "temperature"),
        names.REQUEST_TOP_P: number(given, "top_p"),
        names.REQUEST_TOP_K: whole(given, "top_k"),
        names.REQUEST_STOP_SEQUENCES: texts(given, "stop_sequences"),
        names.REQUEST_STREAM: field(given, "stream") is True or None,
        names.REQUEST_REASONING_LEVEL: text(output, "effort"),
        names.OUTPUT_TYPE: "json" if is_json else None,
        "anthropic.thinking.type": text(thinking, "type"),
        "anthropic.thinking.budget_tokens": whole(thinking, "budget_tokens"),
        "anthropic.request.service_tier": text(given, "service_tier"),
    }
    return known(attributes)


def messages_input(arguments: Arguments) -> Content:
    """Instructions, messages and tools."""
    return {
        names.SYSTEM_INSTRUCTIONS: parts_of(arguments.get("system")),
        names.INPUT_MESSAGES: [_message(message) for message in items(arguments, "messages")],
        names.TOOL_DEFINITIONS: [_tool(tool) for tool in items(arguments, "tools")],
    }


def _message(message: Any) -> Message:
    """A dict, or an answer's model object that is sent back."""
    return said.turn(text(message, "role") or "user", parts_of(field(message, "content")))


def _tool(tool: Any) -> dict[str, Any]:
    """A tool of the application (``custom``, or without type), or one that the provider runs."""
    kind = text(tool, "type") or "custom"
    return known(
        {
            "type": "function" if kind == "custom" else kind,
            "name": text(tool, "name") or kind,
            "description": text(tool, "description"),
            "parameters": field(tool, "input_schema"),
        }
    )
