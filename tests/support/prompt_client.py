"""A prompt client whose cache lives by a clock of the test's, what has to be waited for in it, and one without."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from langfuse_otel.errors import AuthenticationError, ConnectionFailedError, MalformedResponseError, ServerError
from langfuse_otel.http import HttpClient
from langfuse_otel.prompts import Prompts
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.models import Prompt, Selector
from langfuse_otel.prompts.request_spans import RequestSpans
from langfuse_otel.resilience.backoff import Backoff
from support.clock import FakeClock
from support.loopback import raw, reply
from support.prompt_server import PromptServer

PATIENCE_S = 20.0
AT_ONCE = Backoff(initial_s=0.0, max_s=0.0)
TROUBLES = [
    pytest.param(reply(500), ServerError, id="500"),
    pytest.param(reply(503), ServerError, id="503"),
    pytest.param(reply(401), AuthenticationError, id="401"),
    pytest.param(reply(200, b"<html>"), MalformedResponseError, id="HTML"),
    pytest.param(raw(), ConnectionFailedError, id="cut"),
]
"""What a server can answer instead of a prompt, and the error that says so."""


def prompts_of(server: PromptServer, clock: FakeClock, *, spans: RequestSpans | None = None, **options: Any) -> Prompts:
    """The clock is the cache's; deadlines pass in real time."""
    return Prompts(api_of(server, spans=spans), clock=clock, **options)


def api_of(server: PromptServer, **options: Any) -> PromptApi:
    """Without a cache; what it tries again, it tries at once."""
    return PromptApi(HttpClient(server.url, "pk-lf-1", "sk-lf-1"), backoff=AT_ONCE, **options)


def read(server: PromptServer, name: str = "p", **which: Any) -> Prompt:
    """A prompt, past the cache."""
    return api_of(server).get(Selector(name, **which), deadline_s=5.0)


def wait_until_renewed(prompts: Prompts) -> None:
    """Until the background worker has done what it was given so far."""
    done = threading.Event()
    prompts._resolver.in_background("a marker", done.set)
    assert done.wait(PATIENCE_S)


def wait_until_landed(prompts: Prompts) -> None:
    """Until no read is under way."""
    for flight in tuple(prompts._resolver._flights._flights.values()):
        flight.exception(PATIENCE_S)
