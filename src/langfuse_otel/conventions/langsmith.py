"""LangSmith's export of its runs to OpenTelemetry: ``langsmith.*`` beside the GenAI conventions' names.

It comes before those, because it writes ``gen_ai.operation.name`` for runs of every kind: a retriever calls itself
``embeddings`` there, and a prompt template ``chat``. ``langsmith.span.kind`` says what the run is.
"""

from __future__ import annotations

from typing import Any

from langfuse_otel.conventions import usage, values
from langfuse_otel.conventions.convention import Convention, Field
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.json_safe import json_safe
from langfuse_otel.observation import ObservationType

_TYPES: dict[str, ObservationType] = {
    "llm": "generation",
    "embedding": "embedding",
    "retriever": "retriever",
    "tool": "tool",
    "chain": "chain",
    **dict.fromkeys(("prompt", "parser"), "span"),
}
_METADATA, _GEN_AI_USAGE = "langsmith.metadata.", "gen_ai.usage."
_DETAILS = {
    "input_token_details": {
        "cache_read": "cache_read.input_tokens",
        "cache_creation": "cache_creation.input_tokens",
        "audio": "audio.input_tokens",
    },
    "output_token_details": {"reasoning": "reasoning.output_tokens", "audio": "audio.output_tokens"},
}
_TAGS = "langsmith.span.tags"


def _type(value: object) -> ObservationType | None:
    return _TYPES.get(value) if isinstance(value, str) else None


def _compose(reader: Reader) -> None:
    for name, value in reader.family(_METADATA).items():
        safe = json_safe(value)
        if reader.metadata.setdefault(name, safe) != safe:
            reader.put_back((_METADATA + name,))
    if any(_GEN_AI_USAGE + name in reader.attributes for name in _DETAILS) and reader.wants("usage"):
        _usage(reader)


def _usage(reader: Reader) -> None:
    """The usage with its details, which are a Python dict as text (``{'cache_read': 10}``)."""
    found = reader.family(_GEN_AI_USAGE)
    taken: dict[str, dict[str, Any]] = {}
    for name, known in _DETAILS.items():
        details = _details(found.get(name))
        if details and details.keys() <= known.keys():
            del found[name]
            taken[name] = {known[key]: value for key, value in details.items()}
    counts = dict(found)
    for details in taken.values():
        for spelling, value in details.items():
            counts.setdefault(spelling, value)
    counted, unused = usage.from_gen_ai(counts)
    reader.offer("usage", counted or None)
    reader.put_back(_GEN_AI_USAGE + name for name in unused if name in found)
    for name, details in taken.items():
        if any(spelling in unused or counts[spelling] != value for spelling, value in details.items()):
            reader.put_back((_GEN_AI_USAGE + name,))


def _details(value: object) -> dict[str, Any] | None:
    return values.json_object(value.replace("'", '"') if isinstance(value, str) else value)


CONVENTION = Convention(
    name="langsmith",
    fields={
        "langsmith.span.kind": Field("type", _type, kept=True),
        _TAGS: Field("tags", values.tags),
        "langsmith.metadata.session_id": Field("session_id", values.identifier),
        "langsmith.metadata.thread_id": Field("session_id", values.identifier),
        "langsmith.metadata.conversation_id": Field("session_id", values.identifier),
        "langsmith.metadata.user_id": Field("user_id", values.identifier),
    },
    # On the spans of some versions; those of the others have metadata.
    parts=frozenset(("langsmith.span.id",)),
    families=(_METADATA,),
    compose=_compose,
    composes={
        "usage": (f"{_GEN_AI_USAGE}* (with details)",),
        "metadata": (f"{_METADATA}*",),
    },
)
