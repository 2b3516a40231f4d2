"""A Langfuse that listens, a provider of spans, and what tests of the exporter's own metrics use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider

from langfuse_otel import log
from langfuse_otel.cli.doctor.listener import Listener, listening
from support.meters import Meters


@pytest.fixture
def langfuse() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
def provider() -> Iterator[TracerProvider]:
    provider = TracerProvider(shutdown_on_exit=False)
    yield provider
    provider.shutdown()


@pytest.fixture
def meters() -> Iterator[Meters]:
    meters = Meters()
    yield meters
    meters.provider.shutdown()


@pytest.fixture
def unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is logged once a minute or process is logged once a test."""
    monkeypatch.setattr(log, "_once", log.RateLimit(float("inf")))
    monkeypatch.setattr(log, "_minute", log.RateLimit(60.0))
