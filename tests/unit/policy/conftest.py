"""Observations as a convention would make them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource

from langfuse_otel import log
from langfuse_otel.observation import Message, Observation, ToolCall, ToolFunction

RESOURCE = Resource({"service.name": "shop"})


def observed(**fields: Any) -> Observation:
    common = {"trace_id": "a" * 32, "span_id": "b" * 16, "name": "chat", "start_ns": 10**18, "end_ns": 2 * 10**18}
    return Observation(**{**common, "resource": RESOURCE, **fields})


@pytest.fixture
def observation() -> Callable[..., Observation]:
    """An observation with these fields."""
    return observed


@pytest.fixture
def call(observation: Callable[..., Observation]) -> Callable[..., Observation]:
    """A model call whose every text that may hold content has ``secret`` in it."""

    def make(secret: str, **fields: Any) -> Observation:
        tool_call = ToolCall(ToolFunction("lookup", f'{{"who": "{secret}"}}'), "call_1", {"note": secret})
        defaults: dict[str, Any] = {
            "type": "generation",
            "model": "gpt-4o",
            "usage": {"input": 10, "output": 5, "total": 15},
            "input": {
                "messages": [
                    Message("system", f"You are {secret}."),
                    Message("user", [{"type": "text", "text": f"I am {secret}"}], extra={"ref": [secret]}),
                    Message("tool", f"found {secret}", tool_call_id="call_0"),
                ],
                "tools": [{"description": f"looks up {secret}"}],
            },
            "output": Message("assistant", None, tool_calls=[tool_call], reasoning_content=f"as {secret} said"),
            "status_message": f"ValueError: no {secret}",
            "metadata": {
                "customer": secret,
                "nested": {"list": [secret, 1, True, None, 0.5]},
                "otel.events": [
                    {"name": "exception", "time_unix_nano": str(10**18), "attributes": {"exception.message": secret}}
                ],
                "otel.links": [{"trace_id": "c" * 32, "span_id": "d" * 16, "attributes": {"why": secret}}],
            },
            "trace_metadata": {"order": f"of {secret}"},
            "passthrough": {
                "langfuse.experiment.id": "experiment-1",
                "langfuse.experiment.item.expected_output": secret,
            },
        }
        return observation(**{**defaults, **fields})

    return make


@pytest.fixture(autouse=True)
def unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is logged once a process, or a minute, is logged once a test."""
    monkeypatch.setattr(log, "_once", log.RateLimit(float("inf")))
    monkeypatch.setattr(log, "_minute", log.RateLimit(60.0))
