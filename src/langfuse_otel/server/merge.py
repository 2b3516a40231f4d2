"""Ingestion events onto what is stored: field by field, the later event wins (langfuse-api.md, "Ids and merging").

An absent field and an empty list or object keep the old value; an explicit null overwrites it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from langfuse_otel.json_safe import json_safe
from langfuse_otel.server.event_bodies import ObservationBody, TraceBody
from langfuse_otel.server.mapping.cost import cost_from_details
from langfuse_otel.server.mapping.trace_fields import normal_environment
from langfuse_otel.server.mapping.usage import usage_from_details
from langfuse_otel.server.mapping.values import text
from langfuse_otel.server.moments import parse_iso
from langfuse_otel.server.prices import price
from langfuse_otel.server.records import Observation
from langfuse_otel.server.store import from_row, to_columns, upsert

_NEVER_NULL: Mapping[str, Any] = {
    "level": "DEFAULT",
    "tags": [],
    "public": False,
    "model_parameters": {},
    "metadata": {},
}


def merge_trace(connection: sqlite3.Connection, body: TraceBody, event_ms: int, now_ms: int) -> None:
    """Store a trace's fields.

    Raises:
        ValueError: A time is malformed.
    """
    if body.id is None:
        return  # Langfuse answers that it was created, and throws it away
    given = _given(body, ("name", "session_id", "user_id", "release", "version", "public", "tags"))
    given |= _content(body)
    old = connection.execute("SELECT * FROM traces WHERE id = ?", (body.id,)).fetchone()
    if old is None:
        given["timestamp_ms"] = _moment(body.timestamp) or event_ms
        given["environment"] = normal_environment(body.environment or "default")
        given["created_ms"] = now_ms
    if given.get("tags"):
        given["tags"] = sorted({*given["tags"], *_old(old, "tags", [])})
    if body.metadata is not UNSET:
        given["metadata"] = _deep_merge(_old(old, "metadata", {}), _as_object(body.metadata))
    if old is not None:  # what an insert would need, and an update leaves as it is
        given = {"timestamp_ms": old["timestamp_ms"], "created_ms": old["created_ms"], **given}
    upsert(connection, "traces", ("id",), to_columns({"id": body.id, **given, "updated_ms": now_ms}))


def merge_observation(
    connection: sqlite3.Connection, kind: str, body: ObservationBody, event_ms: int, now_ms: int
) -> None:
    """Store an observation's fields.

    Raises:
        ValueError: A time is malformed.
    """
    found = connection.execute(
        "SELECT * FROM observations WHERE id = ? ORDER BY trace_id = ? DESC LIMIT 1", (body.id, body.trace_id or "")
    ).fetchone()
    if found is None:
        old = Observation(
            trace_id=body.trace_id or body.id,
            id=body.id,
            type=kind,
            start_ms=_moment(body.start_time) or event_ms,
            environment=normal_environment(body.environment or "default"),
            created_ms=now_ms,
        )
    else:
        old = from_row(found, Observation)
    given = _given(body, ("name", "status_message", "version", "level", "model", "model_parameters"))
    given |= _given(body, ("prompt_name", "prompt_version"))
    given |= _content(body)
    if body.parent_observation_id is not UNSET:
        given["parent_id"] = body.parent_observation_id or None
    if body.metadata is not UNSET:
        given["metadata"] = _deep_merge(old.metadata, _as_object(body.metadata))
    if body.end_time:
        given["end_ms"] = max(parse_iso(body.end_time), old.start_ms)
    if body.completion_start_time:
        given["completion_start_ms"] = parse_iso(body.completion_start_time)
    merged = msgspec.structs.replace(old, **given, updated_ms=now_ms)
    _count(merged, body)
    upsert(connection, "observations", ("trace_id", "id"), to_columns(msgspec.structs.asdict(merged)))


def _count(merged: Observation, body: ObservationBody) -> None:
    """Usage and cost; without a given cost, the price table's."""
    details: Any = body.usage_details or (body.usage.usage() if body.usage else None)
    if details:
        merged.usage = usage_from_details(details)
    given: Any = body.cost_details or (body.usage.cost() if body.usage else None)
    cost = cost_from_details(given) if given else None
    if cost is not None:
        merged.cost, merged.priced_as = cost, None
    elif merged.priced_as is not None or not merged.cost:
        merged.priced_as, merged.cost = price(merged.model, merged.usage)


def _given(body: msgspec.Struct, names: tuple[str, ...]) -> dict[str, Any]:
    given = {name: getattr(body, name) for name in names}
    return {
        name: _NEVER_NULL.get(name) if value is None else json_safe(value)
        for name, value in given.items()
        if value is not UNSET and value != [] and value != {}
    }


def _content(body: TraceBody | ObservationBody) -> dict[str, str | None]:
    given = {"input": body.input, "output": body.output}
    return {name: text(json_safe(value)) for name, value in given.items() if value is not UNSET}


def _moment(given: Any) -> int | None:
    return parse_iso(given) if given else None


def _old(row: sqlite3.Row | None, column: str, empty: Any) -> Any:
    return empty if row is None else msgspec.json.decode(row[column])


def _as_object(metadata: Any) -> dict[str, Any]:
    """What is no object is kept under the key ``metadata``."""
    metadata = json_safe(metadata)
    if metadata is None:
        return {}
    return metadata if isinstance(metadata, dict) else {"metadata": metadata}


def _deep_merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for key, value in new.items():
        before = merged.get(key)
        both = isinstance(before, dict) and isinstance(value, dict)
        merged[key] = _deep_merge(before, value) if both else value  # type: ignore[arg-type]
    return merged
