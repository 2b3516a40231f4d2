"""Spans as any library may write them, and wrongly: keys of all conventions, values of every type."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from langfuse_otel.conventions import gen_ai
from langfuse_otel.conventions.convention import Convention
from langfuse_otel.conventions.registry import CONVENTIONS
from langfuse_otel.conventions.usage import GEN_AI_SPELLINGS

# What follows the prefix of a family, by what the prefix has in it.
_COUNTED = (
    *("prompt", "completion", "total", "prompt_details.cache_read", "completion_details.reasoning", "input", "output"),
    *("inputTokens", "promptTokens", "completionTokens", "cachedInputTokens", "reasoningTokens", "input_audio_tokens"),
    *("input_token_details", "output_token_details", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"),
    *GEN_AI_SPELLINGS,
)
_INDEXED = (
    *("0", "0.role", "0.content", "1.content", "0.finish_reason", "0.tool_calls.0.name", "0.tool_calls.0.arguments"),
    *("0.message.role", "0.message.content", "0.message.contents.0.message_content.text", "0.message.name"),
    *("0.message.contents.0.message_content.type", "0.message.contents.1.message_content.image.image.url"),
    *("0.message.tool_calls.0.tool_call.function.name", "0.message.tool_calls.0.tool_call.function.arguments"),
    *("0.tool.json_schema", "0.name", "0.parameters", "0.prompt.text", "0.completion.text", "1.message.content"),
    *("0.embedding.text", "0.embedding.vector", "0.document.content", "0.document.metadata", "filter_results"),
)
_SPOKEN = (
    *("chat_ctx", "pii.chat_ctx", "user_input", "pii.user_input", "response.text", "response.function_calls"),
    *("pii.response.text", "response.ttft", "function_tool.output", "function_tool.arguments"),
)
_NAMED = ("x", "tags", "user_id", "session_id", "temperature", "max_tokens", "maxOutputTokens", "stop_sequences")
_FAMILY_NAMES = {
    **dict.fromkeys((".usage.", "token_count.", ".cost."), _COUNTED),
    **dict.fromkeys(("messages.", "prompt", "completion", "tools.", "functions.", "choices."), _INDEXED),
    **dict.fromkeys(("embeddings.", "documents."), _INDEXED),
    "lk.": _SPOKEN,
}


def _family_keys(prefix: str) -> st.SearchStrategy[str]:
    names = next((names for part, names in _FAMILY_NAMES.items() if part in prefix), _NAMED)
    return (st.sampled_from(names) | st.text(st.characters(), max_size=6)).map(prefix.__add__)


def _keys(convention: Convention) -> st.SearchStrategy[str]:
    own = sorted((*convention.fields, *convention.parts))
    families = [_family_keys(prefix) for prefix in convention.families]
    return st.one_of(*([st.sampled_from(own)] if own else []), *families)


FAMILIES = sorted({prefix for convention in CONVENTIONS for prefix in convention.families})
KEYS = sorted({key for convention in CONVENTIONS for key in (*convention.fields, *convention.parts)})
_BY_CONVENTION = [_keys(convention) for convention in CONVENTIONS if convention.fields or convention.parts]
_GEN_AI = _keys(gen_ai.CONVENTION)
_ANY_KEY = st.text(st.characters(), min_size=1, max_size=12)

# Words on which a convention turns.
WORDS = (
    *("chat", "tool", "embeddings", "invoke_agent", "execute_tool", "model", "flow", "embedder", "prompt", "llm"),
    *("ai.generateText", "ai.generateText.doGenerate", "ai.toolCall f", "pending_span", "LLM", "AGENT", "RERANKER"),
    *("CHAT_MODEL", "WARNING", "system", "user", "assistant", "text", "langfuse", "true", "12", " 7 ", "1e3", "-1"),
    *("2026-11-21T06:00:00Z", "a, b", "None", '"quoted"', "[[[", "{", '{"a": 1', "null", "[]", "{}", "data:,x"),
)
TEXTS = st.sampled_from(WORDS) | st.text(st.characters(), max_size=20)
NUMBERS = st.integers(0, 2**53) | st.integers(-(2**70), 2**70) | st.floats()
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS

_NAMES = st.sampled_from(
    (
        *("role", "content", "parts", "type", "text", "name", "id", "arguments", "tool_calls", "function", "message"),
        *("messages", "input", "output", "tools", "config", "usage", "model", "system", "stream", "items", "request"),
        *("contents", "usage_metadata", "reasoning", "thinking", "toolRequest", "toolUse", "source", "url", "data"),
        *("prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "cached_tokens", "total"),
        *("inputTokens", "outputTokens", "input_tokens", "output_tokens", "input_cost", "version", "a"),
        *("cache_read", "cache_creation", "audio", "openai", "anthropic", "cachedPromptTokens", "system_instruction"),
        *("prompt_token_count", "candidates_token_count", "thoughts_token_count", "function_declarations"),
        *("choices", "data", "finish_reason", "temperature"),
    )
)
STRUCTURES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def conversations(draw: st.DrawFn) -> Any:
    """Messages in about the form of one convention or the other, with anything in any place."""
    part = st.one_of(
        st.fixed_dictionaries({"type": st.just("text"), "content": TEXTS}),
        st.fixed_dictionaries({"type": st.sampled_from(["text", "tool_use", "tool-call", "tool_call"]), "text": TEXTS}),
        st.fixed_dictionaries({"type": st.just("tool_call"), "name": TEXTS, "arguments": STRUCTURES}),
        st.fixed_dictionaries({"function_call": st.fixed_dictionaries({"name": TEXTS, "args": STRUCTURES})}),
        st.fixed_dictionaries({"toolResponse": st.fixed_dictionaries({"ref": TEXTS, "output": STRUCTURES})}),
        STRUCTURES,
    )
    message = st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant", "tool", "model"]) | SCALARS},
        optional={
            "content": TEXTS | st.lists(part, max_size=2),
            "parts": st.lists(part, max_size=2),
            "tool_calls": st.lists(part, max_size=2) | STRUCTURES,
            "name": SCALARS,
            "id": SCALARS,
            "event.name": st.just("gen_ai.choice"),
            "message": STRUCTURES,
        },
    )
    messages = draw(st.lists(message | STRUCTURES, max_size=3))
    around: dict[str, Any] = draw(st.dictionaries(_NAMES, STRUCTURES, max_size=3))
    holder = draw(st.sampled_from(["", "messages", "contents", "items", "choices", "data", "message", "content"]))
    if not holder:
        return messages
    return {**around, holder: messages[0] if messages and holder in ("message", "content") else messages}


JSON_TEXTS = (conversations() | STRUCTURES).map(json.dumps)
PYTHON_TEXTS = st.dictionaries(_NAMES, SCALARS, max_size=3).map(repr)
VALUES = st.one_of(
    SCALARS,
    st.integers(0, 2**32),
    st.integers(0, 2**32).map(str),
    JSON_TEXTS,
    JSON_TEXTS,
    PYTHON_TEXTS,
    JSON_TEXTS.map(lambda text: text[: len(text) // 2]),  # cut off by a limit on attributes
    st.binary(max_size=8),
    st.lists(SCALARS, max_size=3).map(tuple),
    STRUCTURES,
)
# One convention with the GenAI names beside it, as libraries write them, or all of them together.
ATTRIBUTES = st.one_of(
    st.sampled_from(_BY_CONVENTION).flatmap(
        lambda keys: st.dictionaries(keys | _GEN_AI | _ANY_KEY, VALUES, max_size=10),
    ),
    st.dictionaries(st.one_of(*_BY_CONVENTION, _ANY_KEY), VALUES, max_size=10),
)

SCOPES = st.none() | st.builds(
    InstrumentationScope,
    st.sampled_from(
        (
            *("app", "ai", "pydantic-ai", "strands.telemetry", "logfire", "logfire.openai", "logfire.anthropic"),
            *("livekit-agents", "mistralai_sdk_tracer", "langfuse-sdk", "genkit-tracer", "langsmith"),
            "openinference.instrumentation.claude_agent_sdk",
        )
    )
    | TEXTS,
    TEXTS,
)
SPAN_NAMES = st.sampled_from(["chat", "agent_turn", "eou_detection", "anthropic.messages.count_tokens"]) | TEXTS
CONTEXTS = st.builds(
    lambda trace_id, span_id, remote: SpanContext(trace_id, span_id, remote, TraceFlags(1)),
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
)
NANOSECONDS = st.none() | st.integers(-(2**70), 2**70) | st.integers(10**18, 2 * 10**18)

_EVENT_NAMES = st.sampled_from(
    (
        *("gen_ai.system.message", "gen_ai.user.message", "gen_ai.assistant.message", "gen_ai.tool.message"),
        *("gen_ai.choice", "gen_ai.content.prompt", "gen_ai.content.completion", "exception"),
        *("gen_ai.client.inference.operation.details", "First Token Stream Event", "llm.content.completion.chunk"),
    )
)
_EVENT_KEYS = st.sampled_from(
    (
        *("content", "message", "role", "tool_calls", "id", "name", "index", "finish_reason", "event.name"),
        *("gen_ai.event.content", "gen_ai.prompt", "gen_ai.completion", "gen_ai.system", "gen_ai.input.messages"),
        *("gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions", "exception.message"),
    )
)
EVENTS = st.builds(
    Event,
    _EVENT_NAMES | TEXTS,
    st.dictionaries(_EVENT_KEYS | TEXTS, VALUES, max_size=3),
    st.integers(10**18, 2 * 10**18),
)


@st.composite
def spans(draw: st.DrawFn) -> ReadableSpan:
    """A finished span."""
    return ReadableSpan(
        draw(SPAN_NAMES),
        draw(CONTEXTS),
        draw(st.none() | CONTEXTS),
        Resource({}) if draw(st.booleans()) else _resource(draw(ATTRIBUTES)),
        draw(ATTRIBUTES),
        events=draw(st.lists(EVENTS, max_size=2)),
        status=draw(st.builds(Status, st.sampled_from(StatusCode))),
        start_time=draw(NANOSECONDS),
        end_time=draw(NANOSECONDS),
        instrumentation_scope=draw(SCOPES),
    )


def _resource(attributes: dict[str, Any]) -> Resource:
    return Resource({key: value for key, value in attributes.items() if value is not None})
