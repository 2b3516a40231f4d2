"""The endpoints of prompts (langfuse-api.md, section 4)."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from langfuse_otel.server import filters, parameters, prompt_composition, prompt_store
from langfuse_otel.server.context import Local, local
from langfuse_otel.server.filters import Column, Kind
from langfuse_otel.server.json_body import read_json, typed
from langfuse_otel.server.moments import iso
from langfuse_otel.server.paging import asked_page, page_meta
from langfuse_otel.server.problem import Problem
from langfuse_otel.server.prompt_composition import CompositionError, Reference
from langfuse_otel.server.prompt_rules import LATEST, CreatePromptBody, Label
from langfuse_otel.server.prompt_store import PromptSummary
from langfuse_otel.server.queries import Where
from langfuse_otel.server.records import Prompt

_PATH = "/api/public/v2/prompts"
_DEFAULT_LABEL = "production"
_MAX_VERSION = 2**31 - 1
_HAS = "EXISTS (SELECT 1 FROM json_each({}) WHERE value = ?)"
_COLUMNS = {
    "id": Column("id"),
    "name": Column("name"),
    "type": Column("type"),
    "version": Column("version", Kind.NUMBER),
    "createdAt": Column("created_ms", Kind.MOMENT),
    "updatedAt": Column("updated_ms", Kind.MOMENT),
    "labels": Column("labels", Kind.LIST),
    "tags": Column("tags", Kind.LIST),
    "config": Column("config", Kind.OBJECT),
}


class _NewLabels(msgspec.Struct, rename="camel"):
    new_labels: list[Label]

    def __post_init__(self) -> None:
        if LATEST in self.new_labels:
            raise ValueError(f"newLabels: '{LATEST}' is always on the newest version and cannot be set")


def _get(request: Request) -> Response:
    server = local(request)
    version, label = _asked_version(request)
    raw = parameters.flag(request, "resolve") is False
    connection = server.store.connection()
    if version is None and label is None:
        label = _DEFAULT_LABEL
    reference = Reference(_name(request), version, label)
    prompt = prompt_store.find(connection, reference)
    if prompt is None:
        raise prompt_store.not_found(reference)
    shown = {**_shown(prompt, server), "isActive": _DEFAULT_LABEL in prompt.labels}
    if not raw:
        try:
            resolved = prompt_composition.resolve(prompt, lambda one: prompt_store.find(connection, one))
        except CompositionError as error:
            raise Problem(409, str(error)) from error
        shown |= {"prompt": resolved.prompt, "resolutionGraph": resolved.graph}
    return JSONResponse(shown)


def _list(request: Request) -> Response:
    page = asked_page(request, default_size=10)
    found, total = prompt_store.summaries(local(request).store.connection(), _asked(request), page)
    meta = page_meta(page, total)
    return JSONResponse({"data": [_summary(one) for one in found], "meta": meta, "pagination": meta})


async def _create(request: Request) -> Response:
    return await run_in_threadpool(_store_new, local(request), typed(await read_json(request), CreatePromptBody))


def _store_new(server: Local, body: CreatePromptBody) -> Response:
    with server.store.write() as connection:
        return JSONResponse(_shown(prompt_store.create(connection, body), server), 201)


async def _label(request: Request) -> Response:
    name = _name(request)
    version = parameters.parse_whole("version", request.path_params["version"], most=_MAX_VERSION)
    body = typed(await read_json(request), _NewLabels)
    return await run_in_threadpool(_store_labels, local(request), name, version, body.new_labels)


def _store_labels(server: Local, name: str, version: int, labels: list[str]) -> Response:
    with server.store.write() as connection:
        return JSONResponse(_shown(prompt_store.add_labels(connection, name, version, labels), server))


def _delete(request: Request) -> Response:
    version, label = _asked_version(request)
    with local(request).store.write() as connection:
        prompt_store.delete(connection, _name(request), version, label)
    return Response(status_code=204)


def _name(request: Request) -> str:
    """The one segment of the path that is the name, with a slash in it sent as ``%2F``.

    From the raw path, as the decoded one does not tell the two slashes apart.
    """
    segments = request.scope["raw_path"].decode("ascii", "replace").removeprefix(_PATH + "/").split("/")
    if len(segments) != (3 if "version" in request.path_params else 1):
        raise Problem(404, "The prompt's name must be one path segment: percent-encode it, slashes as %2F")
    return unquote(segments[0])


def _asked_version(request: Request) -> tuple[int | None, str | None]:
    version, label = request.query_params.get("version"), request.query_params.get("label")
    if version is not None and label is not None:
        raise Problem(400, "Cannot specify both version and label")
    return None if version is None else parameters.whole(request, "version", 0, most=_MAX_VERSION), label


def _asked(request: Request) -> Where:
    where = Where()
    if (text := request.query_params.get("filter")) is not None:
        filters.add(where, text, _COLUMNS)
        return where
    where.equal("name", request.query_params.get("name"))
    if "version" in request.query_params:
        where.equal("version", parameters.whole(request, "version", 0, most=_MAX_VERSION))
    for name, column in (("label", "labels"), ("tag", "tags")):
        if name in request.query_params:
            where.add(_HAS.format(column), request.query_params[name])
    parameters.between(request, where, "updated_ms", "fromUpdatedAt", "toUpdatedAt")
    return where


def _shown(prompt: Prompt, server: Local) -> dict[str, Any]:
    return {
        "id": prompt.id,
        "createdAt": iso(prompt.created_ms),
        "updatedAt": iso(prompt.updated_ms),
        "projectId": server.project.id,
        "createdBy": "API",
        "name": prompt.name,
        "version": prompt.version,
        "type": prompt.type,
        "prompt": prompt.prompt,
        "config": prompt.config,
        "labels": prompt.labels,
        "tags": prompt.tags,
        "commitMessage": prompt.commit_message,
        "resolutionGraph": None,
    }


def _summary(summary: PromptSummary) -> dict[str, Any]:
    newest = summary.versions[-1]
    return {
        "name": summary.name,
        "type": newest.type,
        "versions": [one.version for one in summary.versions],
        "labels": list(dict.fromkeys(label for one in summary.versions for label in one.labels)),
        "tags": newest.tags,
        "lastUpdatedAt": iso(max(one.updated_ms for one in summary.versions)),
        "lastConfig": newest.config,
    }


ROUTES = [
    Route(_PATH, _list, methods=["GET"]),
    Route(_PATH, _create, methods=["POST"]),
    Route(_PATH + "/{name:path}/versions/{version}", _label, methods=["PATCH"]),
    Route(_PATH + "/{name:path}", _get, methods=["GET"]),
    Route(_PATH + "/{name:path}", _delete, methods=["DELETE"]),
]
