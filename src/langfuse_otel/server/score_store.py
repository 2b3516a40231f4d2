"""Scores: what one may be, and how it is kept (langfuse-api.md, sections 2 and 5.2)."""

from __future__ import annotations

import sqlite3
import uuid
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from langfuse_otel.server.mapping.trace_fields import normal_environment
from langfuse_otel.server.moments import parse_iso
from langfuse_otel.server.records import Score
from langfuse_otel.server.store import from_row, to_columns, upsert

DataType: TypeAlias = Literal["NUMERIC", "CATEGORICAL", "BOOLEAN", "CORRECTION", "TEXT"]
Source: TypeAlias = Literal["API", "EVAL", "ANNOTATION"]

_MAX_TEXT_CHARACTERS = 500
_FIXED = ("timestamp_ms", "environment", "trace_id", "observation_id", "session_id", "created_ms")


class ScoreBody(msgspec.Struct, kw_only=True, frozen=True, rename="camel"):
    """A score as clients send it; decoding raises msgspec.ValidationError when it breaks a rule.

    ``queueId`` and ``executionTraceId`` are dropped, as other unknown fields; a ``configId`` is kept, unchecked.
    """

    name: Annotated[str, msgspec.Meta(min_length=1)]
    value: float | str
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=800)] | None = None
    data_type: DataType | None = None
    trace_id: str | None = None
    session_id: str | None = None
    dataset_run_id: str | None = None
    observation_id: str | None = None
    environment: str | None = None
    source: Source | None = None
    timestamp: str | None = None
    comment: str | UnsetType | None = UNSET
    config_id: str | UnsetType | None = UNSET
    metadata: Any = UNSET

    def __post_init__(self) -> None:
        if sum(subject is not None for subject in (self.trace_id, self.session_id, self.dataset_run_id)) != 1:
            raise ValueError("exactly one of traceId, sessionId and datasetRunId must be given")
        if self.dataset_run_id is not None:
            raise ValueError("datasetRunId: this server keeps no dataset runs")
        if self.observation_id is not None and self.trace_id is None:
            raise ValueError("observationId needs traceId")
        if self.kind == "CORRECTION" and self.config_id:
            raise ValueError("configId: a CORRECTION has none")
        if problem := _value_problem(self.kind, self.value):
            raise ValueError(f"value: {problem}")
        if self.timestamp is not None:
            parse_iso(self.timestamp)

    @property
    def kind(self) -> DataType:
        """The data type; when none is given, what the value looks like."""
        return self.data_type or ("CATEGORICAL" if isinstance(self.value, str) else "NUMERIC")


def store_score(connection: sqlite3.Connection, body: ScoreBody, now_ms: int) -> str:
    """Write a score, or over the one with its id; returns the id.

    An update keeps subject, environment and timestamp, and what its body leaves out.
    """
    score = _new_score(body, now_ms)
    row = connection.execute("SELECT * FROM scores WHERE id = ?", (score.id,)).fetchone()
    if row is not None:
        found = from_row(row, Score)
        left_out = [name for name in ("comment", "config_id", "metadata") if getattr(body, name) is UNSET]
        left_out += ["source"] if body.source is None else []
        score = msgspec.structs.replace(score, **{name: getattr(found, name) for name in (*_FIXED, *left_out)})
    upsert(connection, "scores", ("id",), to_columns(msgspec.structs.asdict(score)))
    return score.id


def _new_score(body: ScoreBody, now_ms: int) -> Score:
    metadata = None if body.metadata is UNSET else body.metadata
    return Score(
        id=body.id or str(uuid.uuid4()),
        name="output" if body.kind == "CORRECTION" else body.name,
        value=None if isinstance(body.value, str) else body.value,
        string_value=_text(body),
        data_type=body.kind,
        source=body.source or "API",
        timestamp_ms=now_ms if body.timestamp is None else parse_iso(body.timestamp),
        environment=normal_environment(body.environment or "default"),
        trace_id=body.trace_id,
        observation_id=body.observation_id,
        session_id=body.session_id,
        comment=None if body.comment is UNSET else body.comment,
        config_id=None if body.config_id is UNSET else body.config_id,
        metadata=metadata if isinstance(metadata, dict) else {} if metadata is None else {"metadata": metadata},
        created_ms=now_ms,
        updated_ms=now_ms,
    )


def _text(body: ScoreBody) -> str | None:
    if isinstance(body.value, str):
        return body.value
    return str(body.value == 1) if body.kind == "BOOLEAN" else None


def _value_problem(kind: DataType, value: float | str) -> str | None:
    if kind in ("NUMERIC", "BOOLEAN"):
        if isinstance(value, str):
            return f"a {kind} score has a number"
        return "a BOOLEAN score is 0 or 1" if kind == "BOOLEAN" and value not in (0, 1) else None
    if not isinstance(value, str):
        return f"a {kind} score has a text"
    if kind == "TEXT" and not 1 <= len(value) <= _MAX_TEXT_CHARACTERS:
        return f"a TEXT score has 1 to {_MAX_TEXT_CHARACTERS} characters"
    return None
