"""The endpoints of scores (langfuse-api.md, section 5.2)."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from langfuse_otel.server import paging, parameters, queries
from langfuse_otel.server.context import Local, local
from langfuse_otel.server.json_body import read_json, typed
from langfuse_otel.server.moments import iso, now_ms
from langfuse_otel.server.problem import Problem, invalid
from langfuse_otel.server.queries import Where
from langfuse_otel.server.records import Score
from langfuse_otel.server.score_store import ScoreBody, store_score
from langfuse_otel.server.typed import convert

_GROUPS = ("details", "subject", "annotation")
_DATA_TYPES = ("NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT", "CORRECTION")
_SOURCES = ("API", "EVAL", "ANNOTATION")
_NOT_KEPT = ("queueId", "authorUserId", "experimentId")  # no score here has one, so asking for one finds none


class _Cursor(msgspec.Struct, rename="camel"):
    last_timestamp_ms: int
    last_id: str


async def _create(request: Request) -> Response:
    body = await read_json(request)
    return await run_in_threadpool(_create_many if isinstance(body, list) else _create_one, local(request), body)


def _create_one(server: Local, body: Any) -> Response:
    """As up to Langfuse 4.16."""
    score = typed(body, ScoreBody)
    with server.store.write() as connection:
        return JSONResponse({"id": store_score(connection, score, now_ms())})


def _create_many(server: Local, bodies: list[Any]) -> Response:
    """As from Langfuse 4.59 on: those that are valid are stored whatever the others are."""
    scores: list[ScoreBody] = []
    errors: list[dict[str, str]] = []
    for number, body in enumerate(bodies):
        try:
            scores.append(convert(body, ScoreBody))
        except msgspec.ValidationError as error:
            errors.append({"message": f"Score {number}: {error}"})
    with server.store.write() as connection:
        for score in scores:
            store_score(connection, score, now_ms())
    if errors:
        return JSONResponse({"accepted": len(scores), "rejected": len(errors), "errors": errors}, 207)
    return JSONResponse({"message": "Accepted"}, 202)


def _list(request: Request) -> Response:
    server = local(request)
    groups = [parameters.one_of("fields", name, _GROUPS) for name in parameters.words(request, "fields")]
    limit = parameters.whole(request, "limit", 50, most=100)
    cursor = paging.asked_cursor(request, _Cursor)
    after = None if cursor is None else (cursor.last_timestamp_ms, cursor.last_id)
    found = queries.scores_after(server.store.connection(), _asked(request), after, limit + 1)
    page = found[:limit]
    meta: dict[str, Any] = {"limit": limit}
    if len(found) > limit:
        meta["cursor"] = paging.encode_cursor(_Cursor(page[-1].timestamp_ms, page[-1].id))
    return JSONResponse({"data": [_shown(score, server.project.id, groups) for score in page], "meta": meta})


def _delete(request: Request) -> Response:
    with local(request).store.write() as connection:
        deleted = connection.execute("DELETE FROM scores WHERE id = ?", (request.path_params["id"],)).rowcount
    if not deleted:
        raise Problem(404, "Score not found")
    return JSONResponse({"message": "Score deletion queued successfully"}, 202)


def _asked(request: Request) -> Where:
    where = Where()
    for name, column in (
        ("id", "id"),
        ("name", "name"),
        ("environment", "environment"),
        ("configId", "config_id"),
        ("traceId", "trace_id"),
        ("observationId", "observation_id"),
        ("sessionId", "session_id"),
    ):
        where.any_of(column, parameters.words(request, name))
    _check_subject(request)
    sources = [word.upper() for word in parameters.words(request, "source")]
    where.any_of("source", [parameters.one_of("source", source, _SOURCES) for source in sources])
    data_types = [word.upper() for word in parameters.words(request, "dataType")]
    where.any_of("data_type", [parameters.one_of("dataType", kind, _DATA_TYPES) for kind in data_types])
    _add_values(request, where, data_types)
    parameters.between(request, where, "timestamp_ms", "fromTimestamp", "toTimestamp")
    if any(parameters.words(request, name) for name in _NOT_KEPT):
        where.add("false")
    return where


def _check_subject(request: Request) -> None:
    given = {
        name for name in ("traceId", "observationId", "sessionId", "experimentId") if request.query_params.get(name)
    }
    if "observationId" in given and "traceId" not in given:
        raise invalid("observationId: needs traceId, as observation ids are unique within a trace only")
    if len(given - {"observationId"}) > 1:
        raise invalid("traceId, sessionId and experimentId exclude each other")


def _add_values(request: Request, where: Where, data_types: list[str]) -> None:
    """Conditions on values; what a value is depends on the data type, so they need exactly one."""
    kind = data_types[0] if len(data_types) == 1 else None
    values = parameters.words(request, "value")
    if values and kind not in ("NUMERIC", "BOOLEAN", "CATEGORICAL"):
        raise invalid("value: needs one dataType of NUMERIC, BOOLEAN and CATEGORICAL")
    if kind == "NUMERIC":
        where.any_of("value", [parameters.finite("value", value) for value in values])
    elif kind == "BOOLEAN":
        where.any_of("value", [parameters.one_of("value", value, ("true", "false")) == "true" for value in values])
    else:
        where.any_of("string_value", values)
    for name, operator in (("valueMin", ">="), ("valueMax", "<=")):
        bound = parameters.number(request, name)
        if bound is not None:
            if kind != "NUMERIC":
                raise invalid(f"{name}: needs dataType=NUMERIC")
            where.add(f"value {operator} ?", bound)


def _shown(score: Score, project_id: str, groups: list[str]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": score.id,
        "projectId": project_id,
        "name": score.name,
        "value": _value(score),
        "dataType": score.data_type,
        "source": score.source,
        "timestamp": iso(score.timestamp_ms),
        "environment": score.environment,
        "createdAt": iso(score.created_ms),
        "updatedAt": iso(score.updated_ms),
    }
    if "details" in groups:
        shown |= {"comment": score.comment, "configId": score.config_id, "metadata": score.metadata}
    if "subject" in groups:
        shown["subject"] = _subject(score)
    if "annotation" in groups:
        shown |= {"authorUserId": None, "queueId": None}
    return shown


def _value(score: Score) -> float | bool | str | None:
    if score.data_type == "BOOLEAN":
        return score.value == 1
    return score.value if score.data_type == "NUMERIC" else score.string_value


def _subject(score: Score) -> dict[str, Any]:
    if score.session_id is not None:
        return {"kind": "session", "id": score.session_id}
    if score.observation_id is not None:
        return {"kind": "observation", "id": score.observation_id, "traceId": score.trace_id}
    return {"kind": "trace", "id": score.trace_id}


ROUTES = [
    Route("/api/public/scores", _create, methods=["POST"]),
    Route("/api/public/scores/{id:path}", _delete, methods=["DELETE"]),
    Route("/api/public/v3/scores", _list, methods=["GET"]),
]
