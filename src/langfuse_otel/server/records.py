"""What is stored, one class a table; the fields are Langfuse's, in Python's spelling. Times in milliseconds."""

from __future__ import annotations

from typing import Any

import msgspec


class Observation(msgspec.Struct, kw_only=True):
    """One row a span; complete by itself, with its trace's fields on it (langfuse-api.md, section 3.3).

    Attributes:
        usage: Units by kind; ``total`` among them.
        cost: USD by kind; ``total`` among them.
        priced_as: The entry of the price table that ``cost`` comes from; None when it was given or is unknown.
        input: Text; JSON text where the application gave a structure. Likewise ``output``.
    """

    trace_id: str
    id: str
    start_ms: int
    parent_id: str | None = None
    type: str = "SPAN"
    name: str | None = None
    end_ms: int | None = None
    completion_start_ms: int | None = None
    level: str = "DEFAULT"
    status_message: str | None = None
    version: str | None = None
    release: str | None = None
    environment: str = "default"
    user_id: str | None = None
    session_id: str | None = None
    trace_name: str | None = None
    tags: list[str] = []
    public: bool = False
    is_app_root: bool = False
    model: str | None = None
    model_parameters: dict[str, Any] = {}
    usage: dict[str, int] = {}
    cost: dict[str, float] = {}
    priced_as: str | None = None
    prompt_name: str | None = None
    prompt_version: int | None = None
    created_ms: int = 0
    updated_ms: int = 0
    metadata: dict[str, Any] = {}
    input: str | None = None
    output: str | None = None

    @property
    def is_root(self) -> bool:
        """Whether its trace hangs from it."""
        return self.parent_id is None or self.is_app_root

    @property
    def latency_s(self) -> float | None:
        """Duration; None while it has no end."""
        return None if self.end_ms is None else (self.end_ms - self.start_ms) / 1000

    @property
    def time_to_first_token_s(self) -> float | None:
        """From the start to the first token."""
        return None if self.completion_start_ms is None else (self.completion_start_ms - self.start_ms) / 1000


class Trace(msgspec.Struct, kw_only=True):
    """A trace: what its observations say together, under what a ``trace-create`` event said."""

    id: str
    timestamp_ms: int
    end_ms: int
    name: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    version: str | None = None
    release: str | None = None
    environment: str = "default"
    public: bool = False
    tags: list[str] = []
    observations: int = 0
    errors: int = 0
    total_tokens: int = 0
    total_cost: float = 0.0
    created_ms: int = 0
    updated_ms: int = 0
    metadata: dict[str, Any] = {}
    input: str | None = None
    output: str | None = None

    @property
    def latency_s(self) -> float:
        """From the first start to the last end."""
        return (self.end_ms - self.timestamp_ms) / 1000


class Session(msgspec.Struct, kw_only=True):
    """The traces that share a session id."""

    id: str
    created_ms: int
    updated_ms: int
    environment: str
    traces: int
    users: list[str]
    total_cost: float


class Prompt(msgspec.Struct, kw_only=True):
    """One version of a prompt; ``prompt`` is text, or a list of messages and placeholders."""

    id: str
    name: str
    version: int
    type: str
    prompt: Any
    config: Any
    labels: list[str]
    tags: list[str]
    commit_message: str | None
    created_ms: int
    updated_ms: int


class Score(msgspec.Struct, kw_only=True):
    """A judgement about a trace, an observation or a session; a number, or a text for the types that have one."""

    id: str
    name: str
    value: float | None
    string_value: str | None
    data_type: str
    source: str
    timestamp_ms: int
    environment: str
    trace_id: str | None
    observation_id: str | None
    session_id: str | None
    comment: str | None
    config_id: str | None
    metadata: dict[str, Any]
    created_ms: int
    updated_ms: int
