"""The Converse API, and what other bodies are brought into its form → attributes and messages."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from langfuse_otel.instrumentation import Arguments, Attributes, Content
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.fields import field, fields, items, known, number, text, texts, whole
from langfuse_otel.instrumentation.messages import Message, Part
from langfuse_otel_bedrock.answers import transport

_GUARDRAIL_ID = "aws.bedrock.guardrail.id"
_MEDIA = {"image": "image", "video": "video", "audio": "audio", "document": "document"}
_APPLICATION = {"pdf", "csv", "doc", "docx", "xls", "xlsx"}


def converse_request(arguments: Arguments) -> Attributes:
    """Attributes of a request."""
    config = fields(arguments.get("inferenceConfig"))
    further = fields(arguments.get("additionalModelRequestFields"))
    return known(
        {
            names.REQUEST_MAX_TOKENS: whole(config, "maxTokens"),
            names.REQUEST_TEMPERATURE: number(config, "temperature"),
            names.REQUEST_TOP_P: number(config, "topP"),
            names.REQUEST_TOP_K: whole(config, "topK") or whole(further, "top_k"),
            names.REQUEST_STOP_SEQUENCES: texts(config, "stopSequences"),
            names.EMBEDDINGS_DIMENSION_COUNT: whole(config, "dimensions"),
            _GUARDRAIL_ID: text(arguments.get("guardrailConfig"), "guardrailIdentifier")
            or text(arguments, "guardrailIdentifier"),
        }
    )


def converse_input(arguments: Arguments) -> Content:
    """Instructions, messages and tools of a request."""
    tools = items(arguments.get("toolConfig"), "tools")
    return {
        names.SYSTEM_INSTRUCTIONS: _parts(items(arguments, "system")),
        names.INPUT_MESSAGES: [_message(message) for message in items(arguments, "messages")],
        names.TOOL_DEFINITIONS: [_tool(field(tool, "toolSpec")) for tool in tools if field(tool, "toolSpec")],
    }


def converse_response(answer: Any) -> Attributes:
    """Attributes of an answer. Bedrock counts the tokens of its cache apart from the input; the conventions within."""
    usage = fields(field(answer, "usage"))
    read, written = whole(usage, "cacheReadInputTokens") or 0, whole(usage, "cacheWriteInputTokens") or 0
    fresh, reason = whole(usage, "inputTokens"), text(answer, "stopReason")
    return {
        **transport(answer),
        **known(
            {
                names.RESPONSE_ID: text(answer, "id"),
                names.RESPONSE_MODEL: text(answer, "model"),
                names.RESPONSE_FINISH_REASONS: [reason] if reason else None,
                names.USAGE_INPUT_TOKENS: None if fresh is None else fresh + read + written,
                names.USAGE_OUTPUT_TOKENS: whole(usage, "outputTokens"),
                names.USAGE_CACHE_READ_INPUT_TOKENS: read or None,
                names.USAGE_CACHE_WRITE_INPUT_TOKENS: written or None,
                names.EMBEDDINGS_DIMENSION_COUNT: whole(answer, "dimensions"),
            }
        ),
    }


def converse_output(answer: Any) -> Content:
    """The message of an answer."""
    message = field(field(answer, "output"), "message")
    return {names.OUTPUT_MESSAGES: [_message(message, text(answer, "stopReason"))] if message else None}


def _message(message: Any, finish_reason: str | None = None) -> Message:
    return said.turn(text(message, "role") or "user", _parts(items(message, "content")), finish_reason=finish_reason)


def _parts(blocks: Any) -> list[Part]:
    return [part for block in blocks if (part := _part(fields(block))) is not None]


def _part(block: dict[str, Any]) -> Part | None:
    kind, value = next(((name, value) for name, value in block.items() if value is not None), ("unknown", None))
    if kind == "text" and isinstance(value, str):
        return said.text(value)
    if kind == "toolUse":
        return said.tool_call(text(value, "toolUseId"), text(value, "name"), field(value, "input"))
    if kind == "toolResult":
        return said.tool_call_response(text(value, "toolUseId"), _result(items(value, "content")))
    if kind == "reasoningContent":
        return said.reasoning(text(field(value, "reasoningText"), "text") or "")
    if kind == "guardContent":
        return _part(fields(field(value, "text"))) or _part(fields(value))
    if kind == "citationsContent":
        return said.text("".join(text(part, "text") or "" for part in items(value, "content")))
    if kind in _MEDIA:
        return _media(_MEDIA[kind], value)
    return None if kind == "cachePoint" else {"type": kind, "content": value}


def _media(modality: str, value: Any) -> Part:
    source, kind = fields(field(value, "source")), text(value, "format") or ""
    mime_type = f"{'application' if kind in _APPLICATION else 'text' if modality == 'document' else modality}/{kind}"
    if isinstance(data := source.get("bytes"), (bytes, bytearray)):
        return said.blob(modality, b64encode(data).decode(), mime_type)
    if isinstance(data, str):  # a body of its own form, in base64 already
        return said.blob(modality, data, mime_type)
    if address := text(source.get("s3Location"), "uri") or text(source, "uri"):
        return said.uri(modality, address, mime_type)
    return said.text(text(source, "text") or "")


def _result(content: Any) -> Any:
    """A tool's answer: its only text or structure, else all of its parts."""
    if len(content) == 1:
        only = fields(content[0])
        return only["json"] if "json" in only else text(only, "text") or _parts(content)
    return [fields(block).get("json") or _part(fields(block)) for block in content]


def _tool(spec: Any) -> dict[str, Any]:
    return known(
        {
            "type": "function",
            "name": text(spec, "name"),
            "description": text(spec, "description"),
            "parameters": field(field(spec, "inputSchema"), "json"),
        }
    )
