"""The GenAI semantic conventions as tables: what ``semconv_checker`` holds spans and metrics to.

Written from the model of ``open-telemetry/semantic-conventions-genai`` (its registry, spans, metrics and the JSON
schemas of messages, autumn 2026). All of that is in development; what it renames is renamed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from opentelemetry.trace import SpanKind

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.metrics import AGENT_BUCKETS_S, DURATION_BUCKETS_S, TOKEN_BUCKETS

TEXT: Final = "string"
TEXTS: Final = "string[]"
INT: Final = "int"
DOUBLE: Final = "double"
BOOL: Final = "boolean"
JSON: Final = "JSON text"

_USAGE = ("input_tokens", "output_tokens", "cache_read.input_tokens", "cache_write.input_tokens")
_USAGE_OF_MODALITIES = tuple(
    f"{modality}.{tokens}"
    for modality in ("text", "image", "audio", "video")
    for tokens in ("input_tokens", "output_tokens", "cache_read.input_tokens")
)

ATTRIBUTES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            *("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.model"),
            *("gen_ai.response.id", "gen_ai.response.status", "gen_ai.request.reasoning.level"),
            *("gen_ai.request.previous_response.id", "gen_ai.request.stream_cursor", "gen_ai.conversation.id"),
            *("gen_ai.output.type", "gen_ai.prompt.name", "gen_ai.prompt.version", "gen_ai.workflow.name"),
            *("gen_ai.agent.id", "gen_ai.agent.name", "gen_ai.agent.description", "gen_ai.agent.version"),
            *("gen_ai.data_source.id", "gen_ai.tool.name", "gen_ai.tool.call.id", "gen_ai.tool.description"),
            *("gen_ai.tool.type", "gen_ai.retrieval.query.text", "gen_ai.token.type"),
            *("gen_ai.memory.store.id", "gen_ai.memory.record.id", "gen_ai.memory.query.text"),
            *("gen_ai.evaluation.name", "gen_ai.evaluation.score.label", "gen_ai.evaluation.explanation"),
            *("openai.request.service_tier", "openai.response.service_tier"),
            *("openai.response.system_fingerprint", "openai.api.type"),
            *("aws.bedrock.guardrail.id", "aws.bedrock.knowledge_base.id", "azure.resource_provider.namespace"),
            *("error.type", "server.address"),
        ),
        TEXT,
    ),
    **dict.fromkeys(
        (
            *("gen_ai.request.max_tokens", "gen_ai.request.top_k", "gen_ai.request.seed"),
            *("gen_ai.request.choice.count", "gen_ai.embeddings.dimension.count", "gen_ai.retrieval.top_k"),
            *("gen_ai.memory.record.count", "gen_ai.usage.reasoning.output_tokens"),
            *(f"gen_ai.usage.{name}" for name in (*_USAGE, *_USAGE_OF_MODALITIES)),
            *("server.port", "http.request.resend_count", "http.response.status_code"),
        ),
        INT,
    ),
    **dict.fromkeys(
        (
            *("gen_ai.request.temperature", "gen_ai.request.top_p", "gen_ai.request.frequency_penalty"),
            *("gen_ai.request.presence_penalty", "gen_ai.response.time_to_first_chunk"),
            "gen_ai.evaluation.score.value",
        ),
        DOUBLE,
    ),
    **dict.fromkeys(("gen_ai.request.stream", "gen_ai.conversation.compacted"), BOOL),
    **dict.fromkeys(
        ("gen_ai.response.finish_reasons", "gen_ai.request.stop_sequences", "gen_ai.request.encoding_formats"), TEXTS
    ),
    **dict.fromkeys(
        (
            *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions"),
            *("gen_ai.tool.definitions", "gen_ai.retrieval.documents", "gen_ai.memory.records"),
        ),
        JSON,
    ),
    # Not in the conventions, but read by several backends, Langfuse's server among them: US dollars.
    "gen_ai.usage.cost": DOUBLE,
    # A serialized object where there is one, else the plain text of what a tool got or gave.
    **dict.fromkeys(("gen_ai.tool.call.arguments", "gen_ai.tool.call.result"), TEXT),
}
"""Type by key."""

FAMILIES: Final[Mapping[str, str]] = {"gen_ai.prompt.variable.": TEXT}
"""Type by prefix, where any key may follow."""

OWNED: Final = ("gen_ai.", "openai.", "aws.bedrock.", "error.", "server.")
"""Namespaces in which there are no other attributes."""

VALUES: Final[Mapping[str, frozenset[object]]] = {
    "gen_ai.output.type": frozenset(("text", "json", "image", "speech")),
    "gen_ai.request.stream": frozenset((True,)),  # only of streams
    "gen_ai.conversation.compacted": frozenset((True,)),
    "gen_ai.token.type": frozenset(("input", "output")),
    "openai.api.type": frozenset(("chat_completions", "responses")),
}
"""The only values of some attributes."""

FINISH_REASONS: Final = frozenset(("stop", "length", "content_filter", "tool_call", "compaction", "error"))
"""OpenTelemetry's words; providers have others, and those are reported as they are."""


class Operation(NamedTuple):
    """What a span of an operation has.

    Attributes:
        subject: The attribute that follows the operation in the span's name, where it is known.
        kinds: What the span may be.
        required: Attributes that it always has.
    """

    subject: str | None
    kinds: tuple[SpanKind, ...]
    required: tuple[str, ...] = ()


_REMOTE, _LOCAL = (SpanKind.CLIENT, SpanKind.INTERNAL), (SpanKind.INTERNAL,)
_MODEL_CALL = Operation(names.REQUEST_MODEL, _REMOTE, (names.PROVIDER_NAME,))
_MEMORY = Operation(None, _REMOTE)

OPERATIONS: Final[Mapping[str, Operation]] = {
    "chat": _MODEL_CALL,
    "generate_content": _MODEL_CALL,
    "text_completion": _MODEL_CALL,
    "embeddings": Operation(names.REQUEST_MODEL, (SpanKind.CLIENT,), (names.PROVIDER_NAME,)),
    "fetch_response": Operation(None, (SpanKind.CLIENT,), (names.PROVIDER_NAME,)),
    "retrieval": Operation("gen_ai.data_source.id", _REMOTE),
    "create_agent": Operation(names.AGENT_NAME, (SpanKind.CLIENT,), (names.PROVIDER_NAME,)),
    "invoke_agent": Operation(names.AGENT_NAME, _REMOTE),
    "invoke_workflow": Operation(names.WORKFLOW_NAME, _LOCAL),
    "plan": Operation(names.AGENT_NAME, _LOCAL),
    "execute_tool": Operation(names.TOOL_NAME, _LOCAL, (names.TOOL_NAME,)),
    **dict.fromkeys(
        (
            *("create_memory_store", "delete_memory_store", "create_memory", "update_memory"),
            *("upsert_memory", "search_memory", "delete_memory"),
        ),
        _MEMORY,
    ),
}
"""By ``gen_ai.operation.name``. There are others: the conventions leave that open."""

OTHER_OPERATION: Final = Operation(names.REQUEST_MODEL, _REMOTE)
"""One that the conventions have no name for, such as ``moderation``."""

Fields = Mapping[str, tuple[type, ...]]
ANY: Final = (object,)
_TEXT: Final = (str,)
_OPTIONAL_TEXT: Final = (str, type(None))

PARTS: Final[Mapping[str, tuple[Fields, Fields]]] = {
    "text": ({"content": _TEXT}, {}),
    "reasoning": ({"content": _TEXT}, {}),
    "tool_call": ({"name": _TEXT}, {"id": _OPTIONAL_TEXT, "arguments": ANY}),
    "tool_call_response": ({"response": ANY}, {"id": _OPTIONAL_TEXT}),
    "server_tool_call": ({"name": _TEXT, "server_tool_call": (dict,)}, {"id": _OPTIONAL_TEXT}),
    "server_tool_call_response": ({"server_tool_call_response": (dict,)}, {"id": _OPTIONAL_TEXT}),
    "blob": ({"modality": _TEXT, "content": _TEXT}, {"mime_type": _OPTIONAL_TEXT}),
    "file": ({"modality": _TEXT, "file_id": _TEXT}, {"mime_type": _OPTIONAL_TEXT}),
    "uri": ({"modality": _TEXT, "uri": _TEXT}, {"mime_type": _OPTIONAL_TEXT}),
    "compaction": ({}, {"id": _OPTIONAL_TEXT, "content": _OPTIONAL_TEXT}),
}
"""By ``type`` of a part of a message: fields that it has, and fields that it may have. Further fields and further types
are allowed everywhere."""

TYPED: Final = ("server_tool_call", "server_tool_call_response")
"""Fields of parts that are objects with a ``type``."""


class MetricShape(NamedTuple):
    """Unit and buckets of a histogram, and attributes that its points have."""

    unit: str
    buckets: tuple[float, ...]
    required: tuple[str, ...] = (names.OPERATION_NAME, names.PROVIDER_NAME)


METRICS: Final[Mapping[str, MetricShape]] = {
    "gen_ai.client.operation.duration": MetricShape("s", DURATION_BUCKETS_S),
    "gen_ai.client.operation.time_to_first_chunk": MetricShape("s", DURATION_BUCKETS_S),
    "gen_ai.client.operation.time_per_output_chunk": MetricShape("s", DURATION_BUCKETS_S),
    "gen_ai.execute_tool.duration": MetricShape("s", DURATION_BUCKETS_S, (names.TOOL_NAME,)),
    "gen_ai.invoke_agent.duration": MetricShape("s", AGENT_BUCKETS_S, ()),
    "gen_ai.client.token.usage": MetricShape(
        "{token}", TOKEN_BUCKETS, (names.OPERATION_NAME, names.PROVIDER_NAME, names.TOKEN_TYPE)
    ),
}
"""The metrics that packages emit today."""
