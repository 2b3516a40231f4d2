"""What the tests of every package use."""

from __future__ import annotations

import pytest

from support import economy


def pytest_configure(config: pytest.Config) -> None:
    economy.use(config)
