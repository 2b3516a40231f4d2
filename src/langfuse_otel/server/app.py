"""The ASGI application: every endpoint of one data file, behind the guard."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from langfuse_otel.server import (
    ingest_events,
    ingest_otlp,
    legacy_reads,
    media,
    observations,
    prompts,
    scores,
    system,
)
from langfuse_otel.server.context import Local
from langfuse_otel.server.guard import Guard
from langfuse_otel.server.pages import routes as pages
from langfuse_otel.server.problem import Problem, answer_problem
from langfuse_otel.server.project import Project
from langfuse_otel.server.store import Store


def create_app(project: Project, store: Store) -> ASGIApp:
    """An application for one project and its data."""
    parts = (system, ingest_otlp, ingest_events, prompts, scores, media, observations, legacy_reads, pages)
    app = Starlette(
        routes=[route for part in parts for route in part.ROUTES],
        exception_handlers={Problem: answer_problem, HTTPException: _answer_http_error, Exception: _answer_failure},
    )
    app.state.local = Local(project, store)
    return Guard(app, project)  # outermost, so that also the answer to a failure is hardened


async def _answer_failure(request: Request, error: Exception) -> Response:
    return JSONResponse({"message": "Internal Server Error", "error": "InternalServerError"}, 500)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if not request.url.path.startswith("/api/"):
        return pages.answer_page_error(request, error)
    names = {404: "LangfuseNotFoundError", 405: "MethodNotAllowedError"}
    body = {"message": error.detail, "error": names.get(error.status_code, "Error")}
    return JSONResponse(body, error.status_code, error.headers)
