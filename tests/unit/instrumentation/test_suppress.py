"""Calls inside calls."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import context as otel_context

from langfuse_otel.instrumentation.contract import Recording

OFFICIAL_KEY = "opentelemetry.genai.client.inference.context"


def test_a_traced_call_that_calls_another_is_one_span(
    client: Any, instrumentor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(client), "say", lambda self, text: {"said": "".join(self.spell(text))})
    with Recording().of(instrumentor) as recording:
        client.say("hello")
        list(client.spell("hi"))
    assert len(recording.spans) == 2


def test_below_an_official_call_its_fields_are_filled_and_no_span_is_made(recording: Any, client: Any) -> None:
    invocation = pytest.importorskip("opentelemetry.util.genai.invocation")
    data = invocation.InferenceData()
    token = otel_context.attach(otel_context.set_value(OFFICIAL_KEY, data))
    try:
        client.say("hello", "m")
    finally:
        otel_context.detach(token)
    assert recording.spans == ()
    assert recording.metrics() == {}
    assert (data.request_model, data.usage_input_tokens, data.provider_name) == ("m", 5, "echo_inc")
    assert data.input_messages is None


def test_official_instrumentations_below_find_their_key(
    client: Any, instrumentor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    invocation = pytest.importorskip("opentelemetry.util.genai.invocation")
    found: list[Any] = []

    def say(self: Any, text: str) -> Any:
        found.append(otel_context.get_value(OFFICIAL_KEY))
        return {"said": text}

    monkeypatch.setattr(type(client), "say", say)
    with Recording().of(instrumentor):
        client.say("hello")
    assert isinstance(found[0], invocation.InferenceData)
    assert otel_context.get_value(OFFICIAL_KEY) is None
