"""The endpoints of traces, sessions and observations as before v4 (langfuse-api.md, section 5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from langfuse_otel.server import filters, parameters, queries
from langfuse_otel.server.context import local
from langfuse_otel.server.filters import Column, Kind
from langfuse_otel.server.json_body import read_json, typed
from langfuse_otel.server.legacy_shapes import html_path, observation_shape, score_shape, session_shape, trace_shape
from langfuse_otel.server.observation_conditions import asked_observations
from langfuse_otel.server.paging import asked_page, page_meta
from langfuse_otel.server.problem import Problem, invalid
from langfuse_otel.server.queries import Page, Where
from langfuse_otel.server.records import Trace
from langfuse_otel.server.store import Store
from langfuse_otel.server.trace_deletion import delete_traces

_GROUPS = ("core", "io", "scores", "observations", "metrics")
_LATENCY = "(end_ms - timestamp_ms) / 1000.0"
_COLUMNS = {
    "id": Column("id"),
    "timestamp": Column("timestamp_ms", Kind.MOMENT),
    "name": Column("name"),
    "userId": Column("user_id"),
    "sessionId": Column("session_id"),
    "version": Column("version"),
    "release": Column("release"),
    "environment": Column("environment"),
    "tags": Column("tags", Kind.LIST),
    "metadata": Column("metadata", Kind.OBJECT),
    "latency": Column(_LATENCY, Kind.NUMBER),
    "totalTokens": Column("total_tokens", Kind.NUMBER),
    "totalCost": Column("total_cost", Kind.NUMBER),
}
_ALL_OF_A_SESSION = Page(size=10_000)


class _TraceIds(msgspec.Struct, rename="camel"):
    trace_ids: list[str]


def _traces(request: Request) -> Response:
    server = local(request)
    connection = server.store.connection()
    page = asked_page(request)
    groups = [parameters.one_of("fields", name, _GROUPS) for name in parameters.words(request, "fields")] or _GROUPS
    found, total = queries.traces(connection, _asked_traces(request), page, _order(request))
    ids = [trace.id for trace in found]
    observation_ids = queries.ids_by_trace(connection, "observations", ids if "observations" in groups else [])
    score_ids = queries.ids_by_trace(connection, "scores", ids if "scores" in groups else [])
    data = [
        {
            **_grouped(trace, server.project.id, groups),
            "observations": observation_ids.get(trace.id, []),
            "scores": score_ids.get(trace.id, []),
        }
        for trace in found
    ]
    return JSONResponse({"data": data, "meta": page_meta(page, total)})


def _grouped(trace: Trace, project_id: str, groups: Sequence[str]) -> dict[str, Any]:
    """A trace without the groups that were not asked for: their fields are empty, -1 for numbers."""
    shown = {**trace_shape(trace, project_id), "htmlPath": html_path(trace.id, project_id)}
    if "io" not in groups:
        shown |= {"input": None, "output": None, "metadata": None}
    measured = "metrics" in groups
    return {**shown, "latency": trace.latency_s if measured else -1, "totalCost": trace.total_cost if measured else -1}


def _trace(request: Request) -> Response:
    server = local(request)
    connection = server.store.connection()
    project_id = server.project.id
    trace = queries.trace(connection, request.path_params["id"])
    if trace is None:
        raise Problem(404, "Trace not found within authorized project")
    observations = queries.observations_of(connection, trace.id)
    prompt_ids = queries.prompt_ids(connection, observations)
    return JSONResponse(
        {
            **_grouped(trace, project_id, _GROUPS),
            "observations": [observation_shape(one, project_id, prompt_ids) for one in observations],
            "scores": [score_shape(one, project_id) for one in queries.scores_of(connection, trace.id)],
        }
    )


def _delete_trace(request: Request) -> Response:
    with local(request).store.write() as connection:
        delete_traces(connection, [request.path_params["id"]])
    return JSONResponse({"message": "Trace deleted successfully"})


async def _delete_traces(request: Request) -> Response:
    trace_ids = typed(await read_json(request), _TraceIds).trace_ids
    await run_in_threadpool(_delete_all, local(request).store, trace_ids)
    return JSONResponse({"message": "Traces deleted successfully"})


def _delete_all(store: Store, trace_ids: list[str]) -> None:
    with store.write() as connection:
        delete_traces(connection, trace_ids)


def _sessions(request: Request) -> Response:
    server = local(request)
    page = asked_page(request)
    where = Where()
    parameters.between(request, where, "created_ms", "fromTimestamp", "toTimestamp")
    where.any_of("environment", request.query_params.getlist("environment"))
    found, total = queries.sessions(server.store.connection(), page, where)
    data = [session_shape(session, server.project.id) for session in found]
    return JSONResponse({"data": data, "meta": page_meta(page, total)})


def _session(request: Request) -> Response:
    server = local(request)
    connection = server.store.connection()
    session = queries.session(connection, request.path_params["id"])
    if session is None:
        raise Problem(404, "Session not found within authorized project")
    traces, _ = queries.traces(connection, Where(["session_id = ?"], [session.id]), _ALL_OF_A_SESSION)
    shown = session_shape(session, server.project.id)
    return JSONResponse({**shown, "traces": [trace_shape(trace, server.project.id) for trace in traces]})


def _observations(request: Request) -> Response:
    server = local(request)
    connection = server.store.connection()
    page = asked_page(request)
    found, total = queries.observations(connection, asked_observations(request), page.size, page.offset)
    prompt_ids = queries.prompt_ids(connection, found)
    data = [observation_shape(one, server.project.id, prompt_ids) for one in found]
    return JSONResponse({"data": data, "meta": page_meta(page, total)})


def _observation(request: Request) -> Response:
    server = local(request)
    connection = server.store.connection()
    found = queries.observation(connection, request.path_params["id"])
    if found is None:
        raise Problem(404, "Observation not found within authorized project")
    return JSONResponse(observation_shape(found, server.project.id, queries.prompt_ids(connection, [found])))


def _asked_traces(request: Request) -> Where:
    where = Where()
    asked = request.query_params
    if (text := asked.get("filter")) is not None:
        filters.add(where, text, _COLUMNS)
        return where
    parameters.between(request, where, "timestamp_ms", "fromTimestamp", "toTimestamp")
    for name, column in (
        ("userId", "user_id"),
        ("name", "name"),
        ("sessionId", "session_id"),
        ("version", "version"),
        ("release", "release"),
    ):
        where.equal(column, asked.get(name))
    for tag in asked.getlist("tags"):
        where.add("EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)", tag)
    where.any_of("environment", asked.getlist("environment"))
    return where


def _order(request: Request) -> str:
    """``field.asc`` or ``field.desc`` as SQL."""
    field, _, direction = request.query_params.get("orderBy", "timestamp.desc").partition(".")
    column = _COLUMNS.get(field)
    if column is None or column.kind in (Kind.LIST, Kind.OBJECT) or direction not in ("", "asc", "desc"):
        raise invalid("orderBy: expected field.asc or field.desc, with a field of a trace")
    return f"{column.sql} {direction}, id"


ROUTES = [
    Route("/api/public/traces", _traces, methods=["GET"]),
    Route("/api/public/traces", _delete_traces, methods=["DELETE"]),
    Route("/api/public/traces/{id:path}", _trace, methods=["GET"]),
    Route("/api/public/traces/{id:path}", _delete_trace, methods=["DELETE"]),
    Route("/api/public/sessions", _sessions, methods=["GET"]),
    Route("/api/public/sessions/{id:path}", _session, methods=["GET"]),
    Route("/api/public/observations", _observations, methods=["GET"]),
    Route("/api/public/observations/{id:path}", _observation, methods=["GET"]),
]
