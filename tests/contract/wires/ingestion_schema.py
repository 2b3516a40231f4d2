"""The ingestion endpoint's schema (langfuse-api.md, section 2), strict: unknown fields, which it drops, are errors
here.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

import msgspec

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=800, pattern=r"^[^\r]*$")]
Environment = Annotated[str, msgspec.Meta(pattern=r"^(?!langfuse)[a-z0-9_-]{1,40}$")]
Moment = Annotated[datetime.datetime, msgspec.Meta(tz=True)]
Level = Literal["DEBUG", "DEFAULT", "WARNING", "ERROR"]
Count = Annotated[int, msgspec.Meta(ge=0)]
Amount = Annotated[float, msgspec.Meta(ge=0)]


class TraceBody(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    id: Id
    timestamp: Moment
    name: Annotated[str, msgspec.Meta(max_length=1_000)] | None = None
    input: Any = None
    output: Any = None
    session_id: str | None = None
    user_id: str | None = None
    environment: Environment | None = None
    metadata: Any = None
    release: str | None = None
    version: str | None = None
    public: bool | None = None
    tags: list[str] | None = None


class EventBody(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    id: Id
    trace_id: Id
    parent_observation_id: Id | None = None
    name: str
    start_time: Moment
    metadata: dict[str, Any]
    input: Any = None
    output: Any = None
    level: Level
    status_message: str | None = None
    version: str | None = None
    environment: Environment | None = None


class SpanBody(EventBody, kw_only=True):
    end_time: Moment


class GenerationBody(SpanBody, kw_only=True):
    completion_start_time: Moment | None = None
    model: str | None = None
    model_parameters: dict[str, str | float | bool | list[str] | dict[str, str] | None] | None = None
    usage_details: dict[str, Count] | None = None
    cost_details: dict[str, Amount] | None = None
    prompt_name: str | None = None
    prompt_version: Annotated[int, msgspec.Meta(ge=1, le=65_535)] | None = None

    def __post_init__(self) -> None:
        if (self.prompt_name is None) != (self.prompt_version is None):
            raise ValueError("promptName and promptVersion: both or neither")


class _Event(msgspec.Struct, forbid_unknown_fields=True):
    id: Id
    timestamp: Moment


class TraceCreate(_Event, tag_field="type", tag="trace-create"):
    body: TraceBody


class EventCreate(_Event, tag_field="type", tag="event-create"):
    body: EventBody


class SpanCreate(_Event, tag_field="type", tag="span-create"):
    body: SpanBody


class GenerationCreate(_Event, tag_field="type", tag="generation-create"):
    body: GenerationBody


class AgentCreate(GenerationCreate, tag_field="type", tag="agent-create"): ...


class ToolCreate(GenerationCreate, tag_field="type", tag="tool-create"): ...


class ChainCreate(GenerationCreate, tag_field="type", tag="chain-create"): ...


class RetrieverCreate(GenerationCreate, tag_field="type", tag="retriever-create"): ...


class EvaluatorCreate(GenerationCreate, tag_field="type", tag="evaluator-create"): ...


class EmbeddingCreate(GenerationCreate, tag_field="type", tag="embedding-create"): ...


class GuardrailCreate(GenerationCreate, tag_field="type", tag="guardrail-create"): ...


ObservationEvent = (
    EventCreate
    | SpanCreate
    | GenerationCreate
    | AgentCreate
    | ToolCreate
    | ChainCreate
    | RetrieverCreate
    | EvaluatorCreate
    | EmbeddingCreate
    | GuardrailCreate
)


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    batch: list[TraceCreate | ObservationEvent]
    metadata: dict[str, Any]


def parse(request: bytes) -> Batch:
    """The batch of a request body; raises on whatever the server would refuse or drop."""
    return msgspec.json.decode(request, type=Batch)
