"""The endpoints of media (langfuse-api.md, section 5.5), and the storage that they name to clients."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from langfuse_otel.server import media_store
from langfuse_otel.server.body import read_body
from langfuse_otel.server.context import Local, local
from langfuse_otel.server.json_body import read_json, typed
from langfuse_otel.server.media_store import Media, MediaBody
from langfuse_otel.server.moments import iso, now_ms, optional_iso, parse_iso
from langfuse_otel.server.problem import Problem, invalid

_VALID_MS = 3_600_000  # of addresses for upload and download

_INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
"""What a browser shows without running anything in it; all else is offered for download. SVG can hold scripts."""

_CONTENT_HEADERS = {
    # For whoever opens the address by itself: an origin of its own, no scripts, nothing loaded.
    "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cache-control": "private, max-age=31536000, immutable",  # the address is the content's hash
}


class _Report(msgspec.Struct, rename="camel"):
    """What a client says of an upload."""

    uploaded_at: str
    upload_http_status: int
    upload_http_error: str | None = None
    upload_time_ms: int | None = None


async def _announce(request: Request) -> Response:
    body = typed(await read_json(request), MediaBody)
    return await run_in_threadpool(_answer_with_place, request, body)


def _answer_with_place(request: Request, body: MediaBody) -> Response:
    server = local(request)
    now = now_ms()
    with server.store.write() as connection:
        media = media_store.describe(connection, body, now)
    expires_ms = now + _VALID_MS
    query = f"expires={expires_ms}&token={_token(server, media.id, expires_ms)}"
    upload_url = None if media.is_uploaded else f"{request.base_url}media-upload/{media.id}?{query}"
    return JSONResponse({"mediaId": media.id, "uploadUrl": upload_url}, 201)


async def _report(request: Request) -> Response:
    report = typed(await read_json(request), _Report)
    try:
        uploaded_ms = parse_iso(report.uploaded_at)
    except ValueError as error:
        raise invalid(f"uploadedAt: {error}") from error
    return await run_in_threadpool(_keep_report, request, report, uploaded_ms)


def _keep_report(request: Request, report: _Report, uploaded_ms: int) -> Response:
    server, media_id = local(request), request.path_params["id"]
    status, error = report.upload_http_status, report.upload_http_error
    with server.store.write() as connection:
        if not media_store.mark_uploaded(connection, media_id, uploaded_ms, status, error):
            raise Problem(404, "Media asset not found, or its content has not arrived")
    return JSONResponse({})


def _describe(request: Request) -> Response:
    media = _uploaded(request)
    described: dict[str, Any] = {
        "mediaId": media.id,
        "contentType": media.content_type,
        "contentLength": media.content_length,
        "uploadedAt": optional_iso(media.uploaded_ms),
        "url": f"{request.base_url}media/{media.id}",
        "urlExpiry": iso(now_ms() + _VALID_MS),
    }
    return JSONResponse(described)


async def _upload(request: Request) -> Response:
    """Where the bytes go: as a bucket, it takes no key and knows its own signature only."""
    server, media_id = local(request), request.path_params["id"]
    expires = request.query_params.get("expires", "")
    given = request.query_params.get("token", "")
    expires_ms = int(expires) if expires.isascii() and expires.isdigit() and len(expires) < 20 else 0
    if expires_ms < now_ms() or not hmac.compare_digest(_token(server, media_id, expires_ms).encode(), given.encode()):
        raise Problem(403, "The upload address is not valid, or no longer")
    media = await run_in_threadpool(_find, server, media_id)
    if request.headers.get("content-type") != media.content_type:
        raise Problem(400, f"The content type is not {media.content_type}, as announced")
    if request.headers.get("x-amz-checksum-sha256", media.sha256) != media.sha256:
        raise Problem(400, "The checksum is not the one that was announced")
    content = await read_body(request, media.content_length)
    problem = await run_in_threadpool(media_store.store_content, server.store, media, content)
    if problem is not None:
        raise Problem(400, problem)
    return Response()


def _content(request: Request) -> Response:
    """The bytes, for the pages and for SDKs that resolve references."""
    media = _uploaded(request)
    content = media_store.read_content(local(request).store.connection(), media.id)
    shown = "inline" if media.content_type in _INLINE else "attachment"
    extension = media.content_type.partition("/")[2].partition("+")[0].rpartition(".")[2]
    disposition = f'{shown}; filename="{media.id}.{extension}"'
    headers = {**_CONTENT_HEADERS, "content-type": media.content_type, "content-disposition": disposition}
    return Response(content, headers=headers)


def _uploaded(request: Request) -> Media:
    media = _find(local(request), request.path_params["id"])
    if media.upload_status is None:
        raise Problem(404, "Media not yet uploaded")
    if not media.is_uploaded:
        raise Problem(404, f"Media upload failed with status {media.upload_status}: {media.upload_error}")
    return media


def _find(server: Local, media_id: str) -> Media:
    media = media_store.find_media(server.store.connection(), media_id)
    if media is None:
        raise Problem(404, "Media asset not found")
    return media


def _token(server: Local, media_id: str, expires_ms: int) -> str:
    """Signs an upload's address, as buckets do, so that nobody has to remember it."""
    signed = f"media-upload:{media_id}:{expires_ms}".encode()
    return hmac.new(server.project.secret_key.encode(), signed, hashlib.sha256).hexdigest()


ROUTES = [
    Route("/api/public/media", _announce, methods=["POST"]),
    Route("/api/public/media/{id}", _report, methods=["PATCH"]),
    Route("/api/public/media/{id}", _describe, methods=["GET"]),
    Route("/media-upload/{id}", _upload, methods=["PUT"]),
    Route("/media/{id}", _content, methods=["GET"]),
]
