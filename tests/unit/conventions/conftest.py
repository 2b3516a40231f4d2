"""Spans of the real SDK, read as observations."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from reading import make_span

from langfuse_otel.conventions import registry
from langfuse_otel.observation import Observation

Observe = Callable[..., Observation]


@pytest.fixture
def observe() -> Observe:
    """Read a span made of attributes with all conventions."""
    return lambda attributes=None, **options: registry.read(make_span(attributes, **options))
