"""What the endpoints of one server share."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from langfuse_otel.server.project import Project
from langfuse_otel.server.store import Store


@dataclass(frozen=True, slots=True)
class Local:
    """One server's project and data."""

    project: Project
    store: Store


def local(request: Request) -> Local:
    """The server that a request came to."""
    found = request.app.state.local
    assert isinstance(found, Local)
    return found
