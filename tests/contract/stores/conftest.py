"""The stores that the suite is run with. One of your own: add a function that makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from langfuse_otel.prompts.stores.base import Store
from langfuse_otel.prompts.stores.disk import DiskStore
from langfuse_otel.prompts.stores.redis import RedisStore
from support.memory_store import MemoryStore, World
from support.valkey_server import Valkey

Connect = Callable[[], Store]
"""Makes another user of the same store, as another process would be."""


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    with Valkey() as running:
        yield running


@pytest.fixture(params=["memory", "disk", "redis"])
def connect(request: Any, tmp_path: Path) -> Iterator[Connect]:
    with ExitStack() as stack:
        if request.param == "memory":
            world = World()
            make: Connect = lambda: MemoryStore(world)  # noqa: E731
        elif request.param == "disk":
            make = lambda: DiskStore(tmp_path / "prompts")  # noqa: E731
        else:
            valkey = request.getfixturevalue("valkey")
            make = lambda: RedisStore(valkey.url, prefix=f"{tmp_path.name}:")  # noqa: E731

        def connected() -> Store:
            store = make()
            stack.callback(store.close)
            return store

        yield connected


@pytest.fixture
def store(connect: Connect) -> Store:
    return connect()
