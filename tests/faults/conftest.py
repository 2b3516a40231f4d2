"""What the tests of this folder run an application with."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.app import AT_LEAST_ONCE, GUARANTEE, SPOOL


@pytest.fixture(params=["best_effort", AT_LEAST_ONCE])
def delivery(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The environment of an application, for each of the two guarantees."""
    return delivery_env(request.param, tmp_path)


@pytest.fixture
def durable(tmp_path: Path) -> dict[str, str]:
    """The environment of an application whose spans wait on disk."""
    return delivery_env(AT_LEAST_ONCE, tmp_path)


def delivery_env(guarantee: str, tmp_path: Path) -> dict[str, str]:
    return {GUARANTEE: guarantee, SPOOL: str(tmp_path / "spool")}
