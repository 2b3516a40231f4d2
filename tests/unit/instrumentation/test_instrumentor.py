"""The options of ``instrument()`` and their settings."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from langfuse_otel.instrumentation.contract import Recording

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


@pytest.mark.parametrize(
    ("variable", "captured"),
    [(None, True), ("SPAN_ONLY", True), ("true", True), ("no_content", False), ("false", False), ("EVENT_ONLY", False)],
)
def test_content_is_captured_unless_the_environment_says_no(
    client: Any, instrumentor: Any, monkeypatch: pytest.MonkeyPatch, variable: str | None, captured: bool
) -> None:
    monkeypatch.delenv(CAPTURE, raising=False)
    if variable is not None:
        monkeypatch.setenv(CAPTURE, variable)
    with Recording().of(instrumentor) as recording:
        client.say("hello")
    assert ("gen_ai.output.messages" in recording.attributes) is captured


def test_an_argument_wins_over_the_environment(client: Any, instrumentor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CAPTURE, "NO_CONTENT")
    with Recording().of(instrumentor, capture_content="SPAN_ONLY") as recording:
        client.say("hello")
    assert "gen_ai.output.messages" in recording.attributes


def test_a_malformed_environment_does_not_stop_instrumenting(
    client: Any, instrumentor: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setenv("LANGFUSE_TIMEOUT", "soon")
    with caplog.at_level(logging.ERROR), Recording().of(instrumentor) as recording:
        client.say("hello")
    assert len(recording.spans) == 1


def test_instrumenting_twice_traces_once(client: Any, instrumentor: Any) -> None:
    with Recording().of(instrumentor) as recording:
        type(instrumentor)().instrument()
        client.say("hello")
        instrumentor.uninstrument()
        client.say("hello")
    assert len(recording.spans) == 1
