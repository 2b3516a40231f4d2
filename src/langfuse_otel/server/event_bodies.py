"""The bodies of ingestion events, validated (langfuse-api.md, section 2). Unknown fields are dropped silently."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from langfuse_otel.server.moments import parse_iso

Id: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=800, pattern="^[^\r]*$")]
Text: TypeAlias = str | UnsetType | None
Whole: TypeAlias = int | UnsetType | None
Money: TypeAlias = float | UnsetType | None
Level: TypeAlias = Literal["DEBUG", "DEFAULT", "WARNING", "ERROR"]


class Event(msgspec.Struct):
    """One entry of a batch. ``body`` is read by ``type``."""

    id: Id
    timestamp: str
    type: str
    body: msgspec.Raw

    def moment_ms(self) -> int:
        """When it happened.

        Raises:
            ValueError: No ISO 8601 with ``T`` and zone.
        """
        return parse_iso(self.timestamp)


class TraceBody(msgspec.Struct, rename="camel"):
    """``trace-create``, which also updates."""

    id: Id | None = None
    timestamp: Text = UNSET
    name: Annotated[str, msgspec.Meta(max_length=1000)] | UnsetType | None = UNSET
    input: Any = UNSET
    output: Any = UNSET
    session_id: Text = UNSET
    user_id: Text = UNSET
    environment: Text = UNSET
    metadata: Any = UNSET
    release: Text = UNSET
    version: Text = UNSET
    public: bool | UnsetType | None = UNSET
    tags: list[str] | UnsetType | None = UNSET


class OldUsage(msgspec.Struct, rename="camel"):
    """``usage``, which ``usageDetails`` replaced; both of its spellings."""

    input: Whole = UNSET
    output: Whole = UNSET
    total: Whole = UNSET
    prompt_tokens: Whole = UNSET
    completion_tokens: Whole = UNSET
    total_tokens: Whole = UNSET
    input_cost: Money = UNSET
    output_cost: Money = UNSET
    total_cost: Money = UNSET
    unit: str | None = None

    def usage(self) -> dict[str, Any]:
        """Units by kind."""
        pairs = (
            ("input", self.input, self.prompt_tokens),
            ("output", self.output, self.completion_tokens),
            ("total", self.total, self.total_tokens),
        )
        found = {kind: new if isinstance(new, int) else old for kind, new, old in pairs}
        return {kind: count for kind, count in found.items() if isinstance(count, int)}

    def cost(self) -> dict[str, Any]:
        """USD by kind."""
        found = {"input": self.input_cost, "output": self.output_cost, "total": self.total_cost}
        return {kind: dollars for kind, dollars in found.items() if isinstance(dollars, (int, float))}


class ObservationBody(msgspec.Struct, rename="camel"):
    """Spans, events, and with more fields everything that a model had a part in."""

    id: Id
    trace_id: Id | UnsetType | None = UNSET
    parent_observation_id: Text = UNSET
    name: Text = UNSET
    start_time: Text = UNSET
    end_time: Text = UNSET
    completion_start_time: Text = UNSET
    metadata: Any = UNSET
    input: Any = UNSET
    output: Any = UNSET
    level: Level | UnsetType | None = UNSET
    status_message: Text = UNSET
    version: Text = UNSET
    environment: Text = UNSET
    model: Text = UNSET
    model_parameters: dict[str, Any] | UnsetType | None = UNSET
    usage: OldUsage | UnsetType | None = UNSET
    usage_details: dict[str, Any] | UnsetType | None = UNSET
    cost_details: dict[str, Any] | UnsetType | None = UNSET
    prompt_name: Text = UNSET
    prompt_version: Whole = UNSET

    def __post_init__(self) -> None:
        """Refuse half a prompt."""
        if bool(self.prompt_name) != bool(self.prompt_version):
            raise ValueError("promptName and promptVersion go together")
