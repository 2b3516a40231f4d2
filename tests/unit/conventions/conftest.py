"""Spans of the real SDK, read as observations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import Span

from langfuse_otel.conventions import registry
from langfuse_otel.observation import Observation

Observe = Callable[..., Observation]


def make_span(
    attributes: Mapping[str, Any] | None = None,
    *,
    name: str = "work",
    scope: str = "tests",
    resource: Mapping[str, Any] | None = None,
    during: Callable[[Span], None] = lambda span: None,
    context: Any = None,
) -> ReadableSpan:
    """A finished span with these attributes; ``during`` runs before it ends."""
    provider = TracerProvider(resource=Resource(resource or {}), shutdown_on_exit=False)
    span = provider.get_tracer(scope).start_span(name, attributes=attributes, context=context)
    during(span)
    span.end()
    assert isinstance(span, ReadableSpan)
    return span


@pytest.fixture
def observe() -> Observe:
    """Read a span made of attributes."""
    return lambda attributes=None, **options: registry.read(make_span(attributes, **options))
