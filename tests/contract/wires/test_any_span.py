"""What holds for any span whatever, read with all conventions together: ``HYPOTHESIS_PROFILE=nightly`` tries harder."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from opentelemetry.sdk.trace import ReadableSpan

from contract.wires.any_span import spans
from contract.wires.endpoints import ENDPOINTS
from contract.wires.found_again import Shown
from langfuse_otel import log
from langfuse_otel.conventions import registry
from langfuse_otel.json_safe import json_safe
from langfuse_otel.observation import Observation

ANY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

# What is left out on purpose: headers of a request are masked, and are the text None where there are none.
LEFT_OUT = ("llm.headers", "gen_ai.headers")


def read(span: ReadableSpan) -> tuple[Observation, list[str]]:
    """The observation, and what was logged about its reading."""
    complaints: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "limited", lambda level, key, message, *args: complaints.append(message % args))
        return registry.read(span), complaints


@ANY
@given(spans())
def test_it_is_read_without_an_error_inside(span: ReadableSpan) -> None:
    observation, complaints = read(span)

    assert complaints == []
    assert "langfuse_otel.error" not in observation.metadata


@ANY
@given(spans())
def test_every_endpoint_accepts_it(span: ReadableSpan) -> None:
    observation = registry.read(span)

    for endpoint in ENDPOINTS:
        assert endpoint.observations(endpoint.wire.frame([endpoint.wire.encode(observation)])) == 1


@ANY
@given(spans())
def test_everything_that_it_carried_is_in_the_observation(span: ReadableSpan) -> None:
    shown = Shown(registry.read(span))
    carried: list[tuple[str, Any]] = [*(span.attributes or {}).items()]
    for event in span.events:
        carried.extend((event.attributes or {}).items())

    assert [(key, value) for key, value in carried if key not in LEFT_OUT and not shown.has(json_safe(value))] == []
