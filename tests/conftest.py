"""Fixtures that more than one folder uses."""

from __future__ import annotations

import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from langfuse_otel import log
from langfuse_otel.server.run import LocalServer
from support import economy

# No test's mark depends on how fast the machine is. HYPOTHESIS_PROFILE=nightly (`make nightly`) tries a hundred times
# as many examples, for which a test may take as many times as long.
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "usual")
NIGHTLY_TIMEOUT_S = 3_600
settings.register_profile("usual", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", settings.get_profile("usual"), max_examples=10_000)
settings.load_profile(PROFILE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if PROFILE == "nightly":
        for item in items:
            item.add_marker(pytest.mark.timeout(NIGHTLY_TIMEOUT_S))


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: many tests wait for a process or a server, none is measured."""
    return (os.cpu_count() or 1) + 2


def pytest_configure(config: pytest.Config) -> None:
    economy.use(config)


@pytest.fixture(scope="session", autouse=True)
def no_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the package keeps for the user goes to a temporary folder."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        environment.setenv("XDG_STATE_HOME", str(folder / "state"))
        yield folder


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, no_home: Path) -> None:
    """A developer's own keys and OpenTelemetry settings must not reach a test, nor a test a real Langfuse, nor what one
    test has left on the disk another.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(no_home / uuid.uuid4().hex))
    monkeypatch.setenv("XDG_STATE_HOME", str(no_home / uuid.uuid4().hex))
    for name in list(os.environ):
        if name.startswith(("LANGFUSE_", "OTEL_", "OPENAI_")):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier test had logged is not held back here as said already."""
    monkeypatch.setattr(log, "_once", log.RateLimit(float("inf")))
    monkeypatch.setattr(log, "_minute", log.RateLimit(60.0))


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser. Without one, browser tests are skipped and say so; in CI that is a failure."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        message = "no Chromium on this machine (Debian: apt install chromium)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path


@pytest.fixture(scope="session")
def shared_server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def new_server() -> Iterator[LocalServer]:
    """A local Langfuse of the test's own, for what remembers a project by its keys."""
    with LocalServer() as server:
        yield server


@pytest.fixture
def local_server(shared_server: LocalServer) -> LocalServer:
    """A local Langfuse, empty. All it knows is in its data file; to start and stop one a test takes 0.2 s each."""
    with closing(sqlite3.connect(shared_server.database, timeout=30)) as connection, connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'project'")
        for (table,) in tables.fetchall():
            connection.execute(f"DELETE FROM {table}")
    return shared_server
