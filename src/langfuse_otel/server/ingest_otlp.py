"""``POST /api/public/otel/v1/traces``: spans in, observations stored (langfuse-api.md, section 3.1)."""

from __future__ import annotations

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from langfuse_otel.server.body import inflate, read_body
from langfuse_otel.server.context import local
from langfuse_otel.server.mapping.observation import to_observation
from langfuse_otel.server.moments import now_ms
from langfuse_otel.server.otlp_spans import MalformedExportError, Span, from_json, from_protobuf
from langfuse_otel.server.store import Store, to_columns, upsert

MAX_BODY_BYTES = 20 * 2**20
"""Of a request, as sent and inflated. A real Langfuse takes more, its Cloud and most proxies less."""

_MAX_VERSION = 4


async def _traces(request: Request) -> Response:
    content_type = request.headers.get("content-type", "")
    if "application/x-protobuf" in content_type:
        decode = from_protobuf
    elif "application/json" in content_type:
        decode = from_json
    else:
        return _refusal("Invalid content type")
    version = request.headers.get("x-langfuse-ingestion-version")
    if version is not None and not (version.isdecimal() and int(version) <= _MAX_VERSION):
        return _refusal(f'Unsupported x-langfuse-ingestion-version: "{version}". Maximum supported: "{_MAX_VERSION}".')
    body = await read_body(request, MAX_BODY_BYTES)
    try:
        if request.headers.get("content-encoding") == "gzip":
            body = inflate(body, MAX_BODY_BYTES)
    except ValueError:
        return _refusal("Failed to decompress request body")
    try:
        spans = await run_in_threadpool(decode, body)
    except MalformedExportError as error:
        return _refusal(str(error))
    await run_in_threadpool(_store, local(request).store, spans)
    return JSONResponse({})


async def _metrics(request: Request) -> Response:
    await read_body(request, MAX_BODY_BYTES)
    return Response("OK")  # Langfuse has no metrics of OpenTelemetry's and says nothing about it


def _refusal(text: str) -> Response:
    return JSONResponse({"error": text}, 400)


def _store(store: Store, spans: list[Span]) -> None:
    """A span that is sent again takes the place of its first version."""
    received_ms = now_ms()
    with store.write() as connection:
        for span in spans:
            observation = to_observation(span, received_ms)
            upsert(connection, "observations", ("trace_id", "id"), to_columns(msgspec.structs.asdict(observation)))


ROUTES = [
    Route("/api/public/otel/v1/traces", _traces, methods=["POST"]),
    Route("/api/public/otel/v1/metrics", _metrics, methods=["POST"]),
]
