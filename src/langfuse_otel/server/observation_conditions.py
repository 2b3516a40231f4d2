"""What observations may be asked for: single parameters, or the ``filter`` list in their place."""

from __future__ import annotations

from starlette.requests import Request

from langfuse_otel.server import filters, parameters
from langfuse_otel.server.filters import Column, Kind
from langfuse_otel.server.queries import Where

_LEVELS = ("DEBUG", "DEFAULT", "WARNING", "ERROR")
_LATENCY = "(end_ms - start_ms) / 1000.0"


def _units(kind: str) -> str:
    return f"(SELECT coalesce(sum(value), 0) FROM json_each(usage) WHERE key LIKE '%{kind}%')"


def _dollars(kind: str) -> str:
    return f"(SELECT coalesce(sum(value), 0) FROM json_each(cost) WHERE key LIKE '%{kind}%')"


_COLUMNS = {
    "id": Column("id"),
    "traceId": Column("trace_id"),
    "type": Column("type"),
    "name": Column("name"),
    "startTime": Column("start_ms", Kind.MOMENT),
    "endTime": Column("end_ms", Kind.MOMENT),
    "environment": Column("environment"),
    "level": Column("level"),
    "statusMessage": Column("status_message"),
    "version": Column("version"),
    "release": Column("release"),
    "userId": Column("user_id"),
    "sessionId": Column("session_id"),
    "parentObservationId": Column("parent_id"),
    "isRootObservation": Column("is_root", Kind.FLAG),
    "traceName": Column("trace_name"),
    "traceTags": Column("tags", Kind.LIST),
    "tags": Column("tags", Kind.LIST),
    "latency": Column(_LATENCY, Kind.NUMBER),
    "timeToFirstToken": Column("(completion_start_ms - start_ms) / 1000.0", Kind.NUMBER),
    "tokensPerSecond": Column(f"{_units('output')} / nullif({_LATENCY}, 0)", Kind.NUMBER),
    "inputTokens": Column(_units("input"), Kind.NUMBER),
    "outputTokens": Column(_units("output"), Kind.NUMBER),
    "totalTokens": Column("json_extract(usage, '$.total')", Kind.NUMBER),
    "tokens": Column("json_extract(usage, '$.total')", Kind.NUMBER),
    "inputCost": Column(_dollars("input"), Kind.NUMBER),
    "outputCost": Column(_dollars("output"), Kind.NUMBER),
    "totalCost": Column("json_extract(cost, '$.total')", Kind.NUMBER),
    "model": Column("model"),
    "providedModelName": Column("model"),
    "promptName": Column("prompt_name"),
    "promptVersion": Column("prompt_version", Kind.NUMBER),
    "input": Column("input"),
    "output": Column("output"),
    "metadata": Column("metadata", Kind.OBJECT),
}


def asked_observations(request: Request) -> Where:
    """The conditions of a request for observations.

    Raises:
        Problem: 400 for a parameter or condition that cannot be understood.
    """
    where = Where()
    asked = request.query_params
    if (text := asked.get("filter")) is not None:
        filters.add(where, text, _COLUMNS)
        return where
    for name, column in (
        ("traceId", "trace_id"),
        ("name", "name"),
        ("userId", "user_id"),
        ("sessionId", "session_id"),
        ("type", "type"),
        ("version", "version"),
    ):
        where.equal(column, asked.get(name))
    if (level := asked.get("level")) is not None:
        where.equal("level", parameters.one_of("level", level, _LEVELS))
    if (parent := asked.get("parentObservationId")) is not None:
        if parent:
            where.equal("parent_id", parent)
        else:
            where.add("parent_id IS NULL")
    where.equal("is_root", parameters.flag(request, "isRootObservation"))
    where.any_of("environment", asked.getlist("environment"))
    parameters.between(request, where, "start_ms", "fromStartTime", "toStartTime")
    return where
