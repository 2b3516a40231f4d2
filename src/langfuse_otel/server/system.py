"""Health and projects: what clients ask to find out where they are."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from langfuse_otel.server.context import local

LANGFUSE_VERSION = "4.60.0"
"""The Langfuse whose API this one follows; clients decide by it what they may send (langfuse-api.md, section 5.1)."""


def _health(request: Request) -> Response:
    local(request).store.connection().execute("SELECT 1")
    return JSONResponse({"status": "OK", "version": LANGFUSE_VERSION})


def _projects(request: Request) -> Response:
    project = local(request).project
    organization = {"id": "local", "name": "This machine"}
    return JSONResponse(
        {"data": [{"id": project.id, "name": project.name, "organization": organization, "metadata": {}}]}
    )


ROUTES = [
    Route("/api/public/health", _health),
    Route("/api/public/ready", _health),
    Route("/api/public/projects", _projects),
]
