"""The Vercel AI SDK up to version 6 (genai-semconv.md, section 11): ``ai.*``.

A call is two spans: ``ai.generateText`` around one ``ai.generateText.doGenerate`` for each request to the model. Only
the inner ones are billed; the usage of the outer one is their sum and stays metadata. Version 7 writes the GenAI
conventions.

This convention comes before them, because the inner spans also write ``gen_ai.usage.*`` and ``gen_ai.request.*``, with
fewer details.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from langfuse_otel.conventions import foreign_parts, parts, prompt, usage, values, vercel_messages
from langfuse_otel.conventions.convention import Convention, Field
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.json_safe import json_safe
from langfuse_otel.observation import ObservationType

_OUTER: dict[str, ObservationType] = {
    **dict.fromkeys(("ai.generateText", "ai.streamText"), "agent"),  # as version 7 calls them: they run the tools
    **dict.fromkeys(("ai.generateObject", "ai.streamObject", "ai.embed", "ai.embedMany"), "chain"),
}
_INNER: dict[str, ObservationType] = {
    **dict.fromkeys(("ai.generateText.doGenerate", "ai.streamText.doStream"), "generation"),
    **dict.fromkeys(("ai.generateObject.doGenerate", "ai.streamObject.doStream"), "generation"),
    **dict.fromkeys(("ai.embed.doEmbed", "ai.embedMany.doEmbed"), "embedding"),
    "ai.toolCall": "tool",
}
_TYPES = {**_OUTER, **_INNER}

_OPERATION, _OPERATION_NAME = "ai.operationId", "operation.name"
_FUNCTION, _TOOL_NAME, _PROVIDER = "ai.telemetry.functionId", "ai.toolCall.name", "ai.model.provider"
_PROMPT_LINK = "ai.telemetry.metadata.langfusePrompt"
_MESSAGES, _PROMPT, _TOOLS = "ai.prompt.messages", "ai.prompt", "ai.prompt.tools"
_VALUES = ("ai.value", "ai.values")
_TEXT, _REASONING = ("ai.response.text", "ai.result.text"), ("ai.response.reasoning",)
_OBJECT, _FILES = ("ai.response.object", "ai.result.object"), ("ai.response.files",)
_TOOL_CALLS = ("ai.response.toolCalls", "ai.result.toolCalls")
_FIRST_CHUNK = ("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk")
_TOOL_CHOICE = "ai.prompt.toolChoice"
_PROVIDER_METADATA = "ai.response.providerMetadata"
_METADATA, _SETTINGS, _USAGE = "ai.telemetry.metadata.", "ai.settings.", "ai.usage."
_GEN_AI_USAGE, _GEN_AI_REQUEST = "gen_ai.usage.", "gen_ai.request."
_MAX_WAIT_MS = 7 * 86_400_000

# What follows ``ai.usage.`` → what follows ``gen_ai.usage.``.
_USAGE_NAMES = {
    "promptTokens": "input_tokens",
    "inputTokens": "input_tokens",
    "tokens": "input_tokens",  # of an embedding
    "completionTokens": "output_tokens",
    "outputTokens": "output_tokens",
    "totalTokens": "total_tokens",
    "cachedInputTokens": "cache_read.input_tokens",
    "inputTokenDetails.cacheReadTokens": "cache_read.input_tokens",
    "inputTokenDetails.cacheWriteTokens": "cache_creation.input_tokens",
    "reasoningTokens": "reasoning.output_tokens",
    "outputTokenDetails.reasoningTokens": "reasoning.output_tokens",
}
# The same below ``usage``, or below the provider itself, in the provider's metadata.
_PROVIDER_USAGE_NAMES = {
    "cachedPromptTokens": "cache_read.input_tokens",
    "cache_read_input_tokens": "cache_read.input_tokens",
    "cacheReadInputTokens": "cache_read.input_tokens",
    "cache_creation_input_tokens": "cache_creation.input_tokens",
    "cacheWriteInputTokens": "cache_creation.input_tokens",
    "cacheCreationInputTokens": "cache_creation.input_tokens",
    "reasoningTokens": "reasoning.output_tokens",
}
_CACHED = ("cache_read.input_tokens", "cache_creation.input_tokens")
_PARAMETER_NAMES = {"maxOutputTokens": "max_tokens"}


def _type(value: object) -> ObservationType | None:
    return _TYPES.get(value.partition(" ")[0]) if isinstance(value, str) else None


def _unquoted(value: object) -> Any:
    """A tool's result, of which texts are JSON texts too."""
    return values.content(values.unquoted(value))


def _vectors(value: object) -> Any:
    """One vector, or a list of them, each as JSON text."""
    if isinstance(value, (list, tuple)):
        return [values.decoded(vector) or json_safe(vector) for vector in value] or None
    return values.decoded(value) or values.content(value)


def _compose(reader: Reader) -> None:
    operation = _operation(reader)
    _name(reader, operation)
    _provider(reader)
    _prompt_link(reader)
    _output(reader)
    _input(reader)
    _first_chunk(reader)
    _parameters(reader)
    _usage(reader, billed=operation not in _OUTER)
    _metadata(reader)


def _metadata(reader: Reader) -> None:
    """The application's metadata by its own keys; one that is taken keeps the attribute's."""
    for name, value in reader.family(_METADATA).items():
        safe = json_safe(value)
        if reader.metadata.setdefault(name, safe) != safe:
            reader.put_back((_METADATA + name,))


def _operation(reader: Reader) -> str:
    """Which of the SDK's spans this is; ``operation.name`` has the function's id after a space."""
    found = reader.attributes.get(_OPERATION) or reader.attributes.get(_OPERATION_NAME)
    return found.partition(" ")[0] if isinstance(found, str) else ""


def _name(reader: Reader, operation: str) -> None:
    """The tool's name or ``<function id>:<operation>``, as the server has it; all spans of a kind have one name."""
    tool = values.text(reader.mine.get(_TOOL_NAME))
    function = values.text(reader.mine.get(_FUNCTION))
    reader.offer("name", tool or (f"{function}:{operation}" if function and operation else None))


def _provider(reader: Reader) -> None:
    provider = values.text(reader.mine.get(_PROVIDER))
    if provider and reader.metadata.setdefault("provider", provider) == provider:
        del reader.mine[_PROVIDER]


def _prompt_link(reader: Reader) -> None:
    """The prompt's name and version; what else the object says of it can be read in Langfuse."""
    link = values.json_object(reader.mine.get(_PROMPT_LINK)) or {}
    name, version = values.text(link.get("name")), values.count(link.get("version"))
    if name and version is not None and 1 <= version <= prompt.MAX_VERSION and reader.wants("prompt_name"):
        del reader.mine[_PROMPT_LINK]
        reader.offer("prompt_name", name)
        reader.offer("prompt_version", version)


def _output(reader: Reader) -> None:
    """One assistant message of reasoning, text or object, files and tool calls."""
    if not reader.wants("output"):
        return
    content: list[Any] = []
    if reasoning := _take_text(reader, _REASONING):
        content.append({"type": "reasoning", "content": reasoning})
    if text := _take_text(reader, _TEXT) or _take_text(reader, _OBJECT):
        content.append({"type": "text", "content": text})
    for file in _take_list(reader, _FILES):
        content.append(vercel_messages.part({"type": "file", **file}))
    for call in _take_list(reader, _TOOL_CALLS):
        call.pop("toolCallType", None)
        content.append(vercel_messages.part({**call, "type": "tool-call"}))
    if content:
        reader.offer("output", parts.conversation([{"role": "assistant", "parts": content}])[0])


def _take_text(reader: Reader, keys: Iterable[str]) -> str | None:
    for key in keys:
        if found := values.text(reader.mine.get(key)):
            del reader.mine[key]
            return found
    return None


def _take_list(reader: Reader, keys: Iterable[str]) -> list[dict[str, Any]]:
    """The objects of a JSON list; a list that has anything else in it stays metadata."""
    for key in keys:
        found = values.decoded(reader.mine.get(key))
        if isinstance(found, list) and found and all(isinstance(item, dict) for item in found):
            del reader.mine[key]
            return found
    return []


def _input(reader: Reader) -> None:
    """The messages, with tool definitions as ``{messages, tools}``; of an embedding, its values."""
    if not reader.wants("input"):
        return
    for key in (_MESSAGES, _PROMPT):
        conversation = vercel_messages.conversation(reader.mine.get(key))
        found = conversation or values.content(reader.mine.get(key))
        if found is None:
            continue
        del reader.mine[key]
        tools = reader.mine.get(_TOOLS) if conversation else None
        if isinstance(tools, (list, tuple)) or (isinstance(tools, str) and (tools := values.decoded(tools))):
            del reader.mine[_TOOLS]
            found = {"messages": conversation, "tools": [foreign_parts.tool(json_safe(tool)) for tool in tools]}
        reader.offer("input", found)
        return
    for key in _VALUES:
        found = values.content(reader.mine.get(key))
        if found is not None:
            del reader.mine[key]
            texts = [values.unquoted(item) for item in found] if isinstance(found, list) else values.unquoted(found)
            reader.offer("input", texts)
            return


def _first_chunk(reader: Reader) -> None:
    """Milliseconds here, where the GenAI conventions have seconds; the older key only repeats the newer."""
    found = [(key, values.number(reader.mine.get(key))) for key in _FIRST_CHUNK]
    wait_ms = next((wait for _, wait in found if wait is not None and wait <= _MAX_WAIT_MS), None)
    if wait_ms is not None and reader.wants("completion_start_ns"):
        reader.offer("completion_start_ns", reader.start_ns + round(wait_ms * 1e6))
        for key, wait in found:
            if wait == wait_ms:
                del reader.mine[key]


def _parameters(reader: Reader) -> None:
    """The settings by GenAI's names, together with what the span says by those names itself."""
    if not reader.wants("model_parameters"):
        return
    parameters = {name: json_safe(value) for name, value in reader.family(_GEN_AI_REQUEST).items()}
    for name, value in reader.family(_SETTINGS).items():
        key, safe = _PARAMETER_NAMES.get(name, _snake_case(name)), json_safe(value)
        if parameters.setdefault(key, safe) != safe:
            reader.put_back((_SETTINGS + name,))
    choice = reader.mine.pop(_TOOL_CHOICE, None)
    if choice is not None:
        parameters["tool_choice"] = values.decoded(choice) or json_safe(choice)
    reader.offer("model_parameters", parameters or None)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])[A-Z]", lambda match: "_" + match[0], name).lower()


def _usage(reader: Reader, *, billed: bool) -> None:
    if not reader.wants("usage"):
        return
    standard, own = reader.family(_GEN_AI_USAGE), reader.family(_USAGE)
    if not billed:
        reader.put_back(_GEN_AI_USAGE + name for name in standard)
        reader.put_back(_USAGE + name for name in own)
        return
    found = dict(standard)
    keys = {name: _GEN_AI_USAGE + name for name in standard}
    for name, value in own.items():
        known, counted = _USAGE_NAMES.get(name), values.count(value)
        if known is None or counted is None or values.count(found.setdefault(known, counted)) != counted:
            reader.put_back((_USAGE + name,))
        else:
            keys.setdefault(known, _USAGE + name)
    lifetimes = _add_provider_usage(reader, found)
    billed_usage, unused = usage.from_gen_ai(found)
    usage.split_cache_creation(billed_usage, lifetimes)
    reader.offer("usage", billed_usage or None)
    reader.put_back(keys[name] for name in unused if name in keys)


def _add_provider_usage(reader: Reader, found: dict[str, Any]) -> object:
    """Add the details that only the provider's metadata have, and return Anthropic's tokens by the cache's lifetime.

    Anthropic counts input without what came from the cache, and the SDK up to version 5 hands that on; where the
    number is Anthropic's own, the cached tokens are added to it.
    """
    lifetimes: object = None
    for metadata in (values.json_object(reader.mine.get(_PROVIDER_METADATA)) or {}).values():
        if not isinstance(metadata, dict):
            continue
        nested = metadata.get("usage")
        counts = nested if isinstance(nested, dict) else metadata
        for name, known in _PROVIDER_USAGE_NAMES.items():
            if values.count(counts.get(name)):
                found.setdefault(known, counts[name])
        lifetimes = lifetimes or counts.get("cache_creation")
        exclusive = values.count(counts.get("input_tokens"))
        if exclusive is not None and exclusive == values.count(found.get("input_tokens")):
            cached = sum(values.count(found.get(name)) or 0 for name in _CACHED)
            found["input_tokens"] = exclusive + cached
    return lifetimes


CONVENTION = Convention(
    name="vercel",
    fields={
        _OPERATION: Field("type", _type, kept=True),
        _OPERATION_NAME: Field("type", _type, kept=True),
        "ai.response.model": Field("model", values.text),
        "ai.model.id": Field("model", values.text),
        "ai.toolCall.args": Field("input", values.content),
        "ai.toolCall.result": Field("output", _unquoted),
        "ai.embedding": Field("output", _vectors),
        "ai.embeddings": Field("output", _vectors),
        "ai.telemetry.metadata.userId": Field("user_id", values.identifier),
        "ai.telemetry.metadata.sessionId": Field("session_id", values.identifier),
        "ai.telemetry.metadata.tags": Field("tags", values.tags),
    },
    parts=frozenset(
        (
            *(_FUNCTION, _TOOL_NAME, _PROVIDER, _PROMPT_LINK, _TOOL_CHOICE, _PROVIDER_METADATA),
            *(_MESSAGES, _PROMPT, _TOOLS, *_VALUES),
            *(*_TEXT, *_REASONING, *_OBJECT, *_FILES, *_TOOL_CALLS),
            *_FIRST_CHUNK,
        )
    ),
    families=(_METADATA, _SETTINGS, _USAGE),
    compose=_compose,
    composes={
        "name": (_TOOL_NAME, f"{_FUNCTION} (before the operation)"),
        "prompt_name": (f"{_PROMPT_LINK} (name)",),
        "prompt_version": (f"{_PROMPT_LINK} (version)",),
        "input": (_MESSAGES, _PROMPT, f"{_TOOLS} (beside the messages)", *_VALUES),
        "output": (*_REASONING, *_TEXT, *_OBJECT, *_FILES, *_TOOL_CALLS),
        "completion_start_ns": _FIRST_CHUNK,
        "model_parameters": (f"{_GEN_AI_REQUEST}*", f"{_SETTINGS}*", _TOOL_CHOICE),
        "usage": (f"{_GEN_AI_USAGE}*", f"{_USAGE}*", f"{_PROVIDER_METADATA} (cached and reasoning tokens)"),
        "metadata": (f"{_PROVIDER} (as provider)", f"{_METADATA}*"),
    },
)
