"""OpenLLMetry, the instrumentations of Traceloop (genai-semconv.md, section 9), beside the GenAI names that they use.

It comes after `gen_ai` and `gen_ai_prompt`, which read the messages, and completes the usage and the parameters that
`gen_ai` found. Names, paths and versions of entities, and vector stores' results, stay metadata by their own keys.
"""

from __future__ import annotations

from typing import Any

from langfuse_otel import redact
from langfuse_otel.conventions import gen_ai, prompt, usage, values
from langfuse_otel.conventions.convention import Convention, Field
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.json_safe import json_safe
from langfuse_otel.observation import ObservationType

# A task is a step of a workflow. LangChain's runnables are tasks here and chains wherever else they are traced.
_TYPES: dict[str, ObservationType] = {
    **dict.fromkeys(("chat", "completion"), "generation"),
    "embedding": "embedding",
    "rerank": "retriever",
    **dict.fromkeys(("workflow", "task"), "chain"),
    "agent": "agent",
    "tool": "tool",
}
_KINDS = ("llm.request.type", "traceloop.span.kind")
_PARAMETERS = {
    "llm.top_k": "top_k",
    "llm.frequency_penalty": "frequency_penalty",
    "llm.presence_penalty": "presence_penalty",
    "llm.chat.stop_sequences": "stop_sequences",
    "llm.request.repetition_penalty": "repetition_penalty",
    "llm.request.reasoning_effort": "reasoning_effort",
    "llm.user": "user",
    "gen_ai.user": "user",
}
"""Attribute key → the name that follows ``gen_ai.request.`` elsewhere."""
_STREAMING = ("llm.is_streaming", "gen_ai.is_streaming")
_HEADERS = ("llm.headers", "gen_ai.headers")
_PROMPT = ("traceloop.prompt.key", "traceloop.prompt.version")
_USAGE, _GEN_AI_USAGE = "llm.usage.", "gen_ai.usage."
_PROPERTIES = "traceloop.association.properties."
_CHUNKS = frozenset(("gen_ai.content.completion.chunk", "llm.content.completion.chunk"))


def _compose(reader: Reader) -> None:
    for key in _KINDS:
        kind = reader.mine.get(key)
        reader.offer("type", _TYPES.get(kind) if isinstance(kind, str) else None)
    _parameters(reader)
    _headers(reader)
    _usage(reader)
    _properties(reader)
    prompt.offer(reader, *_PROMPT)
    _chunks(reader)


def _completes(reader: Reader, field: str) -> bool:
    """Whether a field is open, or was read by the GenAI conventions, which have the rest of what the library wrote."""
    held = reader.winners.get(field)
    return held is None or held[1] == gen_ai.CONVENTION.name


def _parameters(reader: Reader) -> None:
    """Parameters by their old names. A stream is a parameter as the conventions have it: only if there was one."""
    if not _completes(reader, "model_parameters"):
        return
    parameters: dict[str, Any] = dict(reader.fields.get("model_parameters") or {})
    for key, name in _PARAMETERS.items():
        value = values.content(reader.mine.get(key))
        if value is not None and parameters.setdefault(name, value) == value:
            del reader.mine[key]
    for key in _STREAMING:
        if reader.mine.get(key) is True and parameters.setdefault("stream", True) is True:
            del reader.mine[key]
    if parameters:
        reader.offer("model_parameters", parameters)
        reader.fields["model_parameters"] = parameters


def _headers(reader: Reader) -> None:
    """Headers of the request as a text, which may have secrets in it; it is ``None`` where there are none."""
    for key in _HEADERS:
        headers = reader.mine.get(key)
        if isinstance(headers, str):
            del reader.mine[key]
            if headers not in ("", "None"):
                reader.metadata[key] = redact.redact(headers)


def _usage(reader: Reader) -> None:
    """Counts that have a GenAI name now, as if they had it: reasoning is part of the output there."""
    found = reader.family(_USAGE)
    if not found:
        return
    if not _completes(reader, "usage"):
        reader.put_back(_USAGE + name for name in found)
        return
    read = reader.attributes if "usage" in reader.fields else {}
    known = {key.removeprefix(_GEN_AI_USAGE): value for key, value in read.items() if key.startswith(_GEN_AI_USAGE)}
    counted, unused = usage.from_gen_ai({**found, **known})
    reader.put_back(_USAGE + name for name in found if known.get(name, found[name]) != found[name] or name in unused)
    if counted:
        reader.offer("usage", counted)
        reader.fields["usage"] = counted


def _properties(reader: Reader) -> None:
    """What the application says of the trace is metadata by its own name, unless another convention has that name."""
    for name, value in reader.family(_PROPERTIES).items():
        safe = json_safe(value)
        if reader.metadata.setdefault(name, safe) != safe:
            reader.put_back((_PROPERTIES + name,))


def _chunks(reader: Reader) -> None:
    """The first chunk's moment and how many there were: one event a chunk, which says nothing else, is only noise."""
    chunks = [event for event in reader.events if event.name in _CHUNKS]
    if not chunks:
        return
    reader.metadata["completion_chunks"] = len(chunks)
    first_ns = min(event.timestamp for event in chunks)
    if reader.start_ns <= first_ns <= reader.end_ns:
        reader.offer("completion_start_ns", first_ns)
    reader.events = [event for event in reader.events if event.name not in _CHUNKS or event.attributes]


CONVENTION = Convention(
    name="traceloop",
    fields={
        "traceloop.workflow.name": Field("trace_name", values.text),
        "traceloop.entity.input": Field("input", values.content),
        "traceloop.entity.output": Field("output", values.content),
        _PROPERTIES + "user_id": Field("user_id", values.identifier),
        _PROPERTIES + "session_id": Field("session_id", values.identifier),
    },
    parts=frozenset((*_KINDS, *_PARAMETERS, *_STREAMING, *_HEADERS, *_PROMPT)),
    families=(_USAGE, _PROPERTIES),
    compose=_compose,
    composes={
        "type": _KINDS,
        "model_parameters": ("gen_ai.request.* (as gen_ai reads them)", *_PARAMETERS, *_STREAMING),
        "usage": (f"{_GEN_AI_USAGE}* (as gen_ai reads them)", f"{_USAGE}*"),
        "completion_start_ns": tuple(f"event {name}" for name in sorted(_CHUNKS)),
        "prompt_name": (_PROMPT[0],),
        "prompt_version": (_PROMPT[1],),
        "metadata": (f"{_PROPERTIES}*", *(f"{key} (secrets masked)" for key in _HEADERS)),
    },
)
