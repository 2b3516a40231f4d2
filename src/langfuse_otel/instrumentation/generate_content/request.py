"""Arguments of a client's methods, or the body of a request → attributes and messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.declare import Arguments, Attributes, Content
from langfuse_otel.instrumentation.fields import fields, is_whole, items, known, text, texts
from langfuse_otel.instrumentation.generate_content.contents import get, messages_of, parts_of, spelled, word
from langfuse_otel.instrumentation.parameters import SAMPLING, Parameters, attributes_of

_FORMATS = {"application/json": "json"}
_OUTPUT_TYPES = {"IMAGE": "image", "AUDIO": "speech"}


def _count(given: Arguments, name: str) -> int | None:
    """A whole number, which this API has as a float here and there."""
    value = given[name]
    counted = int(value) if isinstance(value, float) and value.is_integer() else value
    return counted if is_whole(counted) else None


def _modality(given: Arguments, name: str) -> str | None:
    asked = map(word, items(given, name))
    return next((_OUTPUT_TYPES[modality] for modality in asked if modality in _OUTPUT_TYPES), None)


_CONFIG: Parameters = {
    **{name: SAMPLING[name] for name in ("temperature", "top_p", "presence_penalty", "frequency_penalty")},
    "top_k": (names.REQUEST_TOP_K, _count),
    "max_output_tokens": (names.REQUEST_MAX_TOKENS, _count),
    "seed": (names.REQUEST_SEED, _count),
    "candidate_count": (names.REQUEST_CHOICE_COUNT, _count),
    "output_dimensionality": (names.EMBEDDINGS_DIMENSION_COUNT, _count),
    "stop_sequences": (names.REQUEST_STOP_SEQUENCES, texts),
    "thinking_config": (names.REQUEST_REASONING_LEVEL, lambda given, name: word(get(given[name], "thinking_level"))),
    "response_modalities": (names.OUTPUT_TYPE, _modality),
    "response_mime_type": (names.OUTPUT_TYPE, lambda given, name: _FORMATS.get(text(given, name) or "")),
    "response_schema": (names.OUTPUT_TYPE, lambda *_: "json"),
}


def generate_request(arguments: Arguments) -> Attributes:
    """Attributes of a request."""
    return attributes_of(spelled(_config(arguments), _CONFIG), _CONFIG)


def generate_input(arguments: Arguments) -> Content:
    """Instructions, contents and tools."""
    config = _config(arguments)
    return {
        names.SYSTEM_INSTRUCTIONS: parts_of(get(config, "system_instruction")),
        names.INPUT_MESSAGES: messages_of(arguments.get("contents")),
        names.TOOL_DEFINITIONS: [shown for tool in get(config, "tools") or () for shown in _definitions(tool)],
    }


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


def _config(arguments: Arguments) -> Any:
    """What is said besides the contents: by Google's client in one argument, in a body beside the contents."""
    config = arguments.get("config")
    return {**arguments, **fields(get(arguments, "generation_config"))} if config is None else config
