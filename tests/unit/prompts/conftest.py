"""A project with prompts, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.clock import FakeClock
from support.prompt_server import PromptServer


@pytest.fixture
def server() -> Iterator[PromptServer]:
    with PromptServer() as running:
        yield running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
