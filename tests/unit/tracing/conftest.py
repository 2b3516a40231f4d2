"""A place where what is told by hand arrives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from support.spans import Collector
from support.told import Told


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """Through the global provider, which is put back afterwards."""
    collector = Collector()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(collector)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield Told(collector, provider)
