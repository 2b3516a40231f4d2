"""Observations as a convention would make them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langfuse_otel.observation import Observation

RESOURCE = Resource({"service.name": "shop"})
SCOPE = InstrumentationScope("tests", "1.0")


@pytest.fixture
def observation() -> Callable[..., Observation]:
    """An observation with these fields."""

    def make(**fields: Any) -> Observation:
        common = {"trace_id": "a" * 32, "span_id": "b" * 16, "name": "work", "start_ns": 10**18, "end_ns": 2 * 10**18}
        return Observation(**{**common, "resource": RESOURCE, "scope": SCOPE, **fields})

    return make
