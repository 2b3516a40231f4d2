"""The pages' addresses, those of Langfuse: what its SDKs print as a trace's address opens here as well."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from langfuse_otel.server import queries
from langfuse_otel.server.context import local
from langfuse_otel.server.pages.detail import detail, metadata_groups, optional_content, weight_chars
from langfuse_otel.server.pages.json_text import pretty
from langfuse_otel.server.pages.paging import page_of
from langfuse_otel.server.pages.prompt_lists import prompt_summaries, prompt_versions
from langfuse_otel.server.pages.prompt_view import blocks, variables
from langfuse_otel.server.pages.templating import address, render
from langfuse_otel.server.pages.trace_filters import conditions, environments, filters
from langfuse_otel.server.pages.tree import rows
from langfuse_otel.server.queries import Page, Where

MAX_ROWS = 5_000
"""Of a tree; the page says when a trace has more."""

MAX_DETAIL_CHARS = 8_000_000
"""Of the details on a trace's page; above it the page has the selected observation's only."""


def answer_page_error(request: Request, error: HTTPException) -> Response:
    """A page that says what is wrong; for every address that is not the API's."""
    response = render(request, "error.html", error.status_code, code=error.status_code, message=error.detail)
    response.headers.update(error.headers or {})
    return response


def _home(request: Request) -> Response:
    _check_project(request)
    return RedirectResponse(address(local(request).project.id, "traces"))


def _traces(request: Request) -> Response:
    _check_project(request)
    connection, query = local(request).store.connection(), request.query_params
    page = page_of(query)
    found, total = queries.traces(connection, conditions(query), page)
    asked = [(name, value) for name, value in query.multi_items() if name != "page"]
    return render(
        request,
        "traces.html",
        traces=found,
        total=total,
        page=page,
        asked=asked,
        filters=filters(query),
        search=query.get("search", ""),
        environment=query.get("environment", ""),
        environments=environments(connection),
        is_empty=total == 0 and not queries.traces(connection, Where(), Page(size=1))[1],
        base_url=str(request.base_url).rstrip("/"),
    )


def _trace(request: Request) -> Response:
    _check_project(request)
    connection, trace_id = local(request).store.connection(), request.path_params["trace_id"]
    trace = queries.trace(connection, trace_id)
    if trace is None:
        raise HTTPException(404, f"There is no trace {trace_id}. One that has just ended can take a moment to arrive.")
    scores = queries.scores_of(connection, trace_id)
    tree = rows(queries.observations_of(connection, trace_id))
    shown = [row.observation for row in tree[:MAX_ROWS]]
    asked = request.query_params.get("observation")
    selected = next((one.id for one in shown if one.id == asked), shown[0].id if shown else None)
    is_whole = weight_chars(shown) <= MAX_DETAIL_CHARS
    return render(
        request,
        "trace.html",
        trace=trace,
        scores=[score for score in scores if score.observation_id is None],
        rows=tree[:MAX_ROWS],
        total_rows=len(tree),
        selected=selected,
        is_whole=is_whole,
        details=[detail(one, scores) for one in shown if is_whole or one.id == selected],
        input=optional_content(trace.input),
        output=optional_content(trace.output),
        metadata=metadata_groups(trace.metadata),
    )


def _sessions(request: Request) -> Response:
    _check_project(request)
    page = page_of(request.query_params)
    found, total = queries.sessions(local(request).store.connection(), page)
    return render(request, "sessions.html", sessions=found, total=total, page=page)


def _session(request: Request) -> Response:
    _check_project(request)
    connection, session_id = local(request).store.connection(), request.path_params["session_id"]
    session = queries.session(connection, session_id)
    if session is None:
        raise HTTPException(404, f"There is no session {session_id}.")
    where, page = Where(), page_of(request.query_params)
    where.equal("session_id", session_id)
    found, total = queries.traces(connection, where, page, order="timestamp_ms, id")
    turns = [(trace, optional_content(trace.input), optional_content(trace.output)) for trace in found]
    return render(request, "session.html", session=session, turns=turns, total=total, page=page)


def _prompts(request: Request) -> Response:
    _check_project(request)
    return render(request, "prompts.html", prompts=prompt_summaries(local(request).store.connection()))


def _prompt(request: Request) -> Response:
    _check_project(request)
    connection, name = local(request).store.connection(), request.path_params["name"]
    versions = prompt_versions(connection, name)
    asked = request.query_params.get("version")
    prompt = next((one for one in versions if asked is None or str(one.version) == asked), None)
    if prompt is None:
        which = f"{name} v{asked}" if versions else name
        raise HTTPException(404, f"There is no prompt {which} in this project.")
    parts = blocks(prompt.prompt)
    return render(
        request,
        "prompt.html",
        prompt=prompt,
        versions=versions,
        blocks=parts,
        config=pretty(prompt.config),
        variables=variables(parts),
        generations=list(queries.links(connection, name, prompt.version)),
    )


def _check_project(request: Request) -> None:
    asked = request.path_params.get("project_id")
    if asked is not None and asked != local(request).project.id:
        raise HTTPException(404, f"There is no project {asked} here.")


ROUTES: list[BaseRoute] = [
    Route("/", _home),
    Route("/project/{project_id}", _home),
    Route("/project/{project_id}/traces", _traces),
    Route("/project/{project_id}/traces/{trace_id:path}", _trace),
    Route("/project/{project_id}/sessions", _sessions),
    Route("/project/{project_id}/sessions/{session_id:path}", _session),
    Route("/project/{project_id}/prompts", _prompts),
    Route("/project/{project_id}/prompts/{name:path}", _prompt),
    Mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static"),
]
