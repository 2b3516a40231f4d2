"""Genkit (langfuse-api.md, sections 3.5 to 3.10): ``genkit:*``, requests and responses whole, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langfuse_otel.conventions import foreign_parts, usage, values
from langfuse_otel.conventions.convention import Convention, Field
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.observation import ObservationType

_SUBTYPE, _NAME, _INPUT, _OUTPUT = "genkit:metadata:subtype", "genkit:name", "genkit:input", "genkit:output"
REQUEST = "genkit:output.request"
"""Metadata: the request in ``genkit:output``."""

_TYPES: dict[str, ObservationType] = {
    **dict.fromkeys(("model", "background-model"), "generation"),
    **dict.fromkeys(("tool", "tool.v2"), "tool"),
    **dict.fromkeys(("flow", "prompt", "executable-prompt"), "chain"),
    **dict.fromkeys(("retriever", "reranker"), "retriever"),
    "embedder": "embedding",
    "evaluator": "evaluator",
}
_WITH_MODEL = frozenset(("model", "background-model", "embedder"))
# Input includes what was cached, output includes the thoughts.
_USAGE_NAMES = {
    "inputTokens": "input_tokens",
    "outputTokens": "output_tokens",
    "totalTokens": "total_tokens",
    "thoughtsTokens": "reasoning.output_tokens",
    "cachedContentTokens": "cache_read.input_tokens",
}
# Key of a part → kind of the GenAI part, and the names in what is below the key.
_NESTED: dict[str, tuple[str, Mapping[str, str]]] = {
    "toolRequest": ("tool_call", {"ref": "id", "input": "arguments"}),
    "toolResponse": ("tool_call_response", {"ref": "id", "output": "response"}),
    "media": ("blob", {"url": "content", "contentType": "mime_type"}),
}


def _type(value: object) -> ObservationType | None:
    return _TYPES.get(value) if isinstance(value, str) else None


def _compose(reader: Reader) -> None:
    subtype = reader.attributes.get(_SUBTYPE)
    name = values.text(reader.mine.get(_NAME))
    if name is not None and reader.wants("name"):
        del reader.mine[_NAME]
        reader.offer("name", name)
        if subtype in _WITH_MODEL:
            reader.offer("model", name)
    if _type(subtype) == "generation":
        _request(reader)
        _response(reader)
    for key, field in ((_INPUT, "input"), (_OUTPUT, "output")):
        content = values.content(values.unquoted(reader.mine.get(key)))
        if content is not None and reader.wants(field):
            del reader.mine[key]
            reader.offer(field, _without_request(reader, content) if field == "output" else content)


def _request(reader: Reader) -> None:
    request = values.json_object(reader.mine.get(_INPUT))
    conversation = foreign_parts.conversation((request or {}).get("messages"), _part)
    if request is None or conversation is None or not reader.wants("input"):
        return
    del reader.mine[_INPUT], request["messages"]
    tools = request.get("tools")
    if isinstance(tools, list):
        del request["tools"]
    found = [foreign_parts.tool(tool) for tool in tools] if isinstance(tools, list) else []
    reader.offer("input", {"messages": conversation, "tools": found} if found else conversation)
    config = request.get("config")
    if isinstance(config, dict) and reader.wants("model_parameters"):
        del request["config"]
        reader.offer("model_parameters", config or None)
    if request:
        reader.metadata[_INPUT] = request


def _response(reader: Reader) -> None:
    """The message and the usage; what else the response says is metadata, but for the request that it repeats."""
    response = values.json_object(reader.mine.get(_OUTPUT))
    message = foreign_parts.message((response or {}).get("message"), _part)
    if response is None or not message or not reader.wants("output"):
        return
    del reader.mine[_OUTPUT], response["message"]
    reader.offer("output", message)
    _take_out_request(reader, response)
    counts = response.get("usage")
    if isinstance(counts, dict) and reader.wants("usage"):
        names = {_USAGE_NAMES[name]: name for name in counts if name in _USAGE_NAMES}
        counted, unused = usage.from_gen_ai({known: counts[name] for known, name in names.items()})
        reader.offer("usage", counted or None)
        for known in names.keys() - unused:
            del counts[names[known]]
        if not counts:
            del response["usage"]
    if response:
        reader.metadata[_OUTPUT] = response


def _without_request(reader: Reader, content: object) -> object:
    """The output of what calls models; where it repeats the request, an object without that."""
    response = values.json_object(content) if isinstance(content, str) and '"request"' in content else None
    if response is None or not isinstance(response.get("request"), dict):
        return content
    _take_out_request(reader, response)
    return response


def _take_out_request(reader: Reader, response: dict[str, Any]) -> None:
    """The request that a response repeats is input, whoever repeats it; metadata, if it is not the same again."""
    request = response.pop("request", None)
    if request is not None and request != values.json_object(reader.attributes.get(_INPUT)):
        reader.metadata[REQUEST] = request


def _part(part: dict[str, Any]) -> dict[str, Any]:
    for key, kind in (("text", "text"), ("reasoning", "reasoning")):
        if isinstance(part.get(key), str):
            return foreign_parts.renamed(part, kind, {key: "content"})
    for key, (kind, names) in _NESTED.items():
        nested = part.get(key)
        if isinstance(nested, dict):
            rest = {name: value for name, value in part.items() if name != key}
            made = foreign_parts.media(nested, names) if kind == "blob" else foreign_parts.renamed(nested, kind, names)
            return {**rest, **made}
    return part


CONVENTION = Convention(
    name="genkit",
    fields={
        _SUBTYPE: Field("type", _type, kept=True),
        "genkit:sessionId": Field("session_id", values.identifier),
    },
    parts=frozenset((_NAME, _INPUT, _OUTPUT)),
    compose=_compose,
    composes={
        "name": (_NAME,),
        "model": (f"{_NAME} (of models and embedders)",),
        "model_parameters": (f"{_INPUT} (config, of models)",),
        "input": (f"{_INPUT} (of models: messages and tools)",),
        "output": (f"{_OUTPUT} (of models: message)",),
        "usage": (f"{_OUTPUT} (usage, of models)",),
        "metadata": (f"{_INPUT} (the rest)", f"{_OUTPUT} (the rest)"),
    },
)
