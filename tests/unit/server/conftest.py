"""A server without its guard: the endpoints over a data file of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from langfuse_otel.server import legacy_reads, observations, prompts, scores
from langfuse_otel.server.context import Local
from langfuse_otel.server.problem import Problem, answer_problem
from langfuse_otel.server.project import load_project
from langfuse_otel.server.records import Observation
from langfuse_otel.server.store import Store, to_columns, upsert

Observe: TypeAlias = Callable[..., Observation]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "x.db")
    yield store
    store.close()


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    parts = (prompts, scores, observations, legacy_reads)
    app = Starlette(
        routes=[route for part in parts for route in part.ROUTES], exception_handlers={Problem: answer_problem}
    )
    app.state.local = Local(load_project(store), store)
    with TestClient(app) as client:
        yield client


@pytest.fixture
def observe(store: Store) -> Observe:
    """Store an observation; what is not given is made up."""
    made = 0

    def observe(**fields: Any) -> Observation:
        nonlocal made
        made += 1
        given = {"trace_id": "t1", "id": f"o{made}", "start_ms": 1_000 * made, "end_ms": 1_000 * made + 500, **fields}
        observation = Observation(**given)
        with store.write() as connection:
            columns = to_columns(msgspec.structs.asdict(observation))
            upsert(connection, "observations", ("trace_id", "id"), columns)
        return observation

    return observe
