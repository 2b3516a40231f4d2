"""The one model between every convention and every wire: an observation that is complete by itself.

Langfuse v4 has no trace entity: a trace is the set of rows with one trace id, and each row carries its trace's fields
(langfuse-api.md, section 3.3). So `Observation` does too, and one observation can be encoded without any other.

Values are JSON-safe: text, int, finite float, bool, None, and lists and dicts of those. The only thing a wire still has
to look for is a lone surrogate in a text, which is cheaper to find by encoding than by searching.

No value of JSON's can contain itself, so the garbage collector need not know these structs (``gc=False``): a batch of
them would otherwise set it going again and again, in the middle of the application's work.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

ObservationType: TypeAlias = Literal[
    "span",
    "generation",
    "event",
    "embedding",
    "agent",
    "tool",
    "chain",
    "retriever",
    "guardrail",
    "evaluator",
]
Level: TypeAlias = Literal["DEBUG", "DEFAULT", "WARNING", "ERROR"]

Usage: TypeAlias = dict[str, int]
"""Tokens by Langfuse's keys: ``input``, ``output``, ``total``, ``input_cached_tokens``, ``input_cache_creation``,
``output_reasoning_tokens``, ``input_audio_tokens``, ``output_audio_tokens`` and any other key that has a price.

Keys are disjoint: a cached token counts under ``input_cached_tokens`` and not under ``input``. Only ``total`` sums."""

Cost: TypeAlias = dict[str, float]
"""US dollars by the keys of `Usage`. When given, it replaces the server's price table."""


ScoreType: TypeAlias = Literal["NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT", "CORRECTION"]
ScoreSubject: TypeAlias = Literal["observation", "trace", "session"]
TEXTS: frozenset[ScoreType] = frozenset(("TEXT", "CORRECTION"))
"""Types of scores whose value is content."""


class ToolFunction(msgspec.Struct, gc=False):
    """What is called, with the arguments as JSON text."""

    name: str
    arguments: str


class ToolCall(msgspec.Struct, omit_defaults=True, tag_field="type", tag="function", gc=False):
    """A tool call as the OpenAI chat format has it, a form in which Langfuse finds tool calls."""

    function: ToolFunction
    id: str | None = None
    extra: dict[str, Any] | None = None
    """Keys of the source that the format has no place for."""


class Message(msgspec.Struct, omit_defaults=True, gc=False):
    """A chat message in the OpenAI chat format."""

    role: str
    content: str | list[Any] | None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    finish_reason: str | None = None
    extra: dict[str, Any] | None = None
    """Keys of the source that the format has no place for."""


class Score(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an observation is that stands for a score: a judgement of its parent, of its trace or of its session.

    The comment is the observation's status message, the score's metadata are the observation's, and a free text
    (`TEXTS`) is its output: so whatever masks and cuts content does it here too.
    """

    id: str
    name: str
    type: ScoreType
    subject: ScoreSubject
    value: float | str | None = None
    """None where the output has it."""
    config_id: str | None = None


class Observation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One finished span as Langfuse keeps it. None and empty mean: not said."""

    # Identity and time. Ids are lower-case hex; times are nanoseconds since 1970, and the end is never before the
    # start.
    trace_id: str
    span_id: str
    parent_span_id: str | None = None
    name: str
    start_ns: int
    end_ns: int
    is_app_root: bool = False
    """Top-most span of this application: it has no parent, or one in another process."""

    # What happened.
    type: ObservationType = "span"
    level: Level = "DEFAULT"
    status_message: str | None = None
    input: Any = None
    output: Any = None
    metadata: dict[str, Any] = {}
    """By key; everything a span carried that has no field of its own."""

    # The model call.
    model: str | None = None
    model_parameters: dict[str, Any] | None = None
    usage: Usage | None = None
    cost: Cost | None = None
    completion_start_ns: int | None = None
    prompt_name: str | None = None
    prompt_version: int | None = None
    """1 to 65,535; set together with ``prompt_name`` or not at all."""

    # The trace's fields, on every observation.
    user_id: str | None = None
    session_id: str | None = None
    trace_name: str | None = None
    tags: tuple[str, ...] = ()
    trace_metadata: dict[str, Any] = {}
    release: str | None = None
    environment: str | None = None
    """Matches ``[a-z0-9_-]{1,40}`` and does not begin with ``langfuse``."""
    version: str | None = None
    public: bool | None = None

    score: Score | None = None
    """When given, this becomes a score and no observation."""

    # Where it comes from.
    passthrough: dict[str, Any] = {}
    """``langfuse.*`` attributes that this version does not read (``langfuse.experiment.*`` and what is yet to come)."""
    resource: Resource
    scope: InstrumentationScope | None = None
