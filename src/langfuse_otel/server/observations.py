"""``GET /api/public/v2/observations``: observations, in groups of fields, by cursor (langfuse-api.md, section 5.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from langfuse_otel.server import parameters, queries
from langfuse_otel.server.context import local
from langfuse_otel.server.moments import iso, optional_iso, parse_iso
from langfuse_otel.server.observation_conditions import asked_observations
from langfuse_otel.server.paging import asked_cursor, encode_cursor
from langfuse_otel.server.problem import invalid
from langfuse_otel.server.records import Observation

MAX_METADATA_CHARACTERS = 200
"""Of a metadata value, unless ``expandMetadata`` names its key."""


class _Cursor(msgspec.Struct, rename="camel"):
    last_start_time_to: str
    last_trace_id: str
    last_id: str

    def __post_init__(self) -> None:
        parse_iso(self.last_start_time_to)


def _list(request: Request) -> Response:
    if parameters.flag(request, "parseIoAsJson"):
        raise invalid("parseIoAsJson: input and output are always text; leave it out")
    groups = [parameters.one_of("fields", name, _GROUPS) for name in parameters.words(request, "fields")]
    limit = parameters.whole(request, "limit", 50, most=1000)
    cursor = asked_cursor(request, _Cursor)
    after = None if cursor is None else (parse_iso(cursor.last_start_time_to), cursor.last_trace_id, cursor.last_id)
    server = local(request)
    connection = server.store.connection()
    found = queries.observations_after(connection, asked_observations(request), after, limit + 1)
    page = found[:limit]
    view = _View(
        project_id=server.project.id,
        prompt_ids=queries.prompt_ids(connection, page),
        expanded=parameters.words(request, "expandMetadata"),
    )
    data = [view.show(observation, groups or ["basic"]) for observation in page]
    return JSONResponse({"data": data, "meta": {"cursor": _after(page[-1])} if len(found) > limit else {}})


def _after(observation: Observation) -> str:
    return encode_cursor(_Cursor(iso(observation.start_ms), observation.trace_id, observation.id))


class _View(msgspec.Struct, frozen=True):
    """How one request wants its observations."""

    project_id: str
    prompt_ids: Mapping[tuple[str, int], str]
    expanded: list[str]

    def show(self, one: Observation, groups: list[str]) -> dict[str, Any]:
        """The fields of the groups, after those that are always there."""
        shown: dict[str, Any] = {
            "id": one.id,
            "traceId": one.trace_id,
            "startTime": iso(one.start_ms),
            "endTime": optional_iso(one.end_ms),
            "projectId": self.project_id,
            "parentObservationId": one.parent_id,
            "type": one.type,
            # The price table here has names and no ids or unit prices of models.
            "modelId": None,
            "inputPrice": None,
            "outputPrice": None,
            "totalPrice": None,
        }
        for group in groups:
            shown |= _GROUPS[group](self, one)
        return shown

    def core(self, one: Observation) -> dict[str, Any]:
        return {}

    def basic(self, one: Observation) -> dict[str, Any]:
        return {
            "name": one.name,
            "level": one.level,
            "statusMessage": one.status_message,
            "version": one.version,
            "environment": one.environment,
            "bookmarked": False,
            "public": one.public,
            "userId": one.user_id,
            "sessionId": one.session_id,
            "isRootObservation": one.is_root,
        }

    def time(self, one: Observation) -> dict[str, Any]:
        return {
            "completionStartTime": optional_iso(one.completion_start_ms),
            "createdAt": iso(one.created_ms),
            "updatedAt": iso(one.updated_ms),
        }

    def io(self, one: Observation) -> dict[str, Any]:
        return {"input": one.input, "output": one.output}

    def metadata(self, one: Observation) -> dict[str, Any]:
        shown = {key: value if key in self.expanded else _cut(value) for key, value in one.metadata.items()}
        return {"metadata": shown}

    def model(self, one: Observation) -> dict[str, Any]:
        return {
            "model": one.model,
            "providedModelName": one.model,
            "internalModelId": one.priced_as,
            "modelParameters": one.model_parameters,
        }

    def usage(self, one: Observation) -> dict[str, Any]:
        return {
            "usageDetails": one.usage,
            "costDetails": one.cost,
            "totalCost": one.cost.get("total"),
            "usagePricingTierName": "Standard" if one.priced_as else None,
        }

    def prompt(self, one: Observation) -> dict[str, Any]:
        link = (one.prompt_name or "", one.prompt_version or 0)
        return {
            "promptId": self.prompt_ids.get(link),
            "promptName": one.prompt_name,
            "promptVersion": one.prompt_version,
        }

    def metrics(self, one: Observation) -> dict[str, Any]:
        return {"latency": one.latency_s, "timeToFirstToken": one.time_to_first_token_s}

    def trace_context(self, one: Observation) -> dict[str, Any]:
        return {"traceName": one.trace_name, "tags": one.tags, "release": one.release}


_GROUPS = {
    "core": _View.core,
    "basic": _View.basic,
    "time": _View.time,
    "io": _View.io,
    "metadata": _View.metadata,
    "model": _View.model,
    "usage": _View.usage,
    "prompt": _View.prompt,
    "metrics": _View.metrics,
    "trace_context": _View.trace_context,
}


def _cut(value: Any) -> Any:
    """A value as it is when it is short, else the beginning of its text."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return value if len(text) <= MAX_METADATA_CHARACTERS else text[:MAX_METADATA_CHARACTERS]


ROUTES = [Route("/api/public/v2/observations", _list, methods=["GET"])]
