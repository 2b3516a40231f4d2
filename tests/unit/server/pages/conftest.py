"""The pages over a store, without the guard, and a way to fill it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from langfuse_otel.server.context import Local
from langfuse_otel.server.pages.routes import ROUTES, answer_page_error
from langfuse_otel.server.project import load_project
from langfuse_otel.server.records import Observation, Prompt, Score
from langfuse_otel.server.store import Store, to_columns, upsert

KEYS = {"observations": ("trace_id", "id"), "traces": ("id",), "prompts": ("id",), "scores": ("id",)}
Put = Callable[..., None]


@pytest.fixture
def put(store: Store) -> Put:
    """Writes a record, or columns of a table."""

    def write(record: Observation | Prompt | Score | str, **columns: Any) -> None:
        if not isinstance(record, str):
            columns = msgspec.structs.asdict(record)
        table = record if isinstance(record, str) else f"{type(record).__name__.lower()}s"
        with store.write() as connection:
            upsert(connection, table, KEYS[table], to_columns(columns))

    return write


@pytest.fixture
def pages(store: Store) -> Iterator[TestClient]:
    app = Starlette(routes=ROUTES, exception_handlers={HTTPException: answer_page_error})
    app.state.local = Local(load_project(store), store)
    with TestClient(app) as client:
        yield client
