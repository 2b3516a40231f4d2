"""Templates to answers. Everything in them is escaped; no text is ever marked as safe."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from langfuse_otel.server.context import local
from langfuse_otel.server.moments import iso
from langfuse_otel.server.pages import formats

KINDS = frozenset(
    (
        "span",
        "generation",
        "event",
        "agent",
        "tool",
        "chain",
        "retriever",
        "embedding",
        "evaluator",
        "guardrail",
    )
)
"""Types of observations that have an icon and a colour of their own; every other one looks like a span."""

MAX_TEXT_CHARS = 500_000
"""Of one text on a page. Where one is longer, the page says so; the API has it whole."""


def address(project_id: str, *segments: object, query: Iterable[tuple[str, object]] = ()) -> str:
    """Path of a page of a project, every segment escaped."""
    path = "/".join(quote(str(segment), safe="", errors="replace") for segment in ("project", project_id, *segments))
    asked = urlencode([(name, str(value)) for name, value in query], errors="replace")
    return f"/{path}?{asked}" if asked else f"/{path}"


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page. ``to`` makes addresses of this project's pages in it."""
    project = local(request).project
    page = _ENVIRONMENT.get_template(template).render(
        project=project, path=request.url.path, to=partial(address, project.id), **values
    )
    # JSON may hold halves of surrogate pairs, which UTF-8 has no bytes for
    return HTMLResponse(page.encode("utf-8", "backslashreplace"), status)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for written in (formats.duration, formats.cost, formats.count, formats.size, formats.moment, formats.exact_moment):
        environment.filters[written.__name__] = written
    environment.filters["iso"] = iso
    environment.globals["kinds"] = KINDS
    environment.globals["max_text_chars"] = MAX_TEXT_CHARS
    return environment


_ENVIRONMENT = _environment()
