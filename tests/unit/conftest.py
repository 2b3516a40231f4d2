"""What tests of the exporter's own metrics use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from langfuse_otel import log
from support.meters import Meters


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
