"""Arguments of the client's methods → attributes and messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langfuse_otel.instrumentation import Arguments, Attributes, Content
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.fields import fields, known, texts
from langfuse_otel_google_genai.contents import get, messages_of, parts_of

_NUMBERS = {
    "temperature": (names.REQUEST_TEMPERATURE, float),
    "top_p": (names.REQUEST_TOP_P, float),
    "top_k": (names.REQUEST_TOP_K, int),
    "max_output_tokens": (names.REQUEST_MAX_TOKENS, int),
    "presence_penalty": (names.REQUEST_PRESENCE_PENALTY, float),
    "frequency_penalty": (names.REQUEST_FREQUENCY_PENALTY, float),
    "seed": (names.REQUEST_SEED, int),
    "candidate_count": (names.REQUEST_CHOICE_COUNT, int),
    "output_dimensionality": (names.EMBEDDINGS_DIMENSION_COUNT, int),
}
_TOO_LARGE = 2**63
_OUTPUT_TYPES = {"IMAGE": "image", "AUDIO": "speech"}


def generate_request(arguments: Arguments) -> Attributes:
    """Attributes of a request, which is all in its ``config``."""
    config = arguments.get("config")
    given = ((get(config, name), attribute, kind) for name, (attribute, kind) in _NUMBERS.items())
    further = {
        names.REQUEST_STOP_SEQUENCES: texts(config, "stop_sequences"),
        names.REQUEST_REASONING_LEVEL: _word(get(get(config, "thinking_config"), "thinking_level")),
        names.OUTPUT_TYPE: _output_type(config),
    }
    return {attribute: kind(value) for value, attribute, kind in given if _is_number(value)} | known(further)


def _is_number(value: Any) -> bool:
    """Whether it is one, finite, and small enough for OpenTelemetry's 64 bits."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _TOO_LARGE


def generate_input(arguments: Arguments) -> Content:
    """Instructions, contents and tools."""
    config = arguments.get("config")
    return {
        names.SYSTEM_INSTRUCTIONS: parts_of(get(config, "system_instruction")),
        names.INPUT_MESSAGES: messages_of(arguments.get("contents")),
        names.TOOL_DEFINITIONS: [shown for tool in get(config, "tools") or () for shown in _definitions(tool)],
    }


def runs_tools(config: Any) -> bool:
    """Whether the client runs the tools that the model wants, and asks again."""
    calling = get(config, "automatic_function_calling")
    limit = get(calling, "maximum_remote_calls")
    if get(calling, "disable") or (limit is not None and limit <= 0):
        return False
    return any(callable(tool) or hasattr(tool, "call_tool") for tool in get(config, "tools") or ())


def _definitions(tool: Any) -> Iterator[dict[str, Any]]:
    if callable(tool):
        yield known({"type": "function", "name": getattr(tool, "__name__", None), "description": tool.__doc__})
        return
    for declared in get(tool, "function_declarations") or ():
        schema = get(declared, "parameters_json_schema") or get(declared, "parameters")
        named = {name: get(declared, name) for name in ("name", "description")}
        yield {"type": "function", **known({**named, "parameters": schema})}
    for name in known(fields(tool)).keys() - {"function_declarations", "functionDeclarations"}:
        yield {"type": name, "name": name}  # what the provider runs


def _output_type(config: Any) -> str | None:
    if get(config, "response_schema") is not None or get(config, "response_mime_type") == "application/json":
        return "json"
    asked = map(_word, get(config, "response_modalities") or ())
    return next((_OUTPUT_TYPES[modality] for modality in asked if modality in _OUTPUT_TYPES), None)


def _word(value: Any) -> str | None:
    """A word, or a member of an enum of words."""
    return None if value is None else str(getattr(value, "value", value))
