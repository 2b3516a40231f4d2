"""A project with prompts, a client of it, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from langfuse_otel.prompts import Prompts
from support.clock import FakeClock
from support.prompt_client import prompts_of
from support.prompt_server import PromptServer


@pytest.fixture
def server() -> Iterator[PromptServer]:
    with PromptServer() as running:
        yield running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def prompts(server: PromptServer, clock: FakeClock) -> Iterator[Prompts]:
    made = prompts_of(server, clock)
    yield made
    made.close()
