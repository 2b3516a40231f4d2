"""What was told of a program, as the exporter reads it."""

from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from langfuse_otel.conventions.registry import read
from langfuse_otel.observation import Observation
from support.spans import Collector


class Told:
    """The observations that have ended, in that order."""

    def __init__(self, collector: Collector, provider: TracerProvider) -> None:
        self._collector = collector
        self.provider = provider

    @property
    def spans(self) -> list[ReadableSpan]:
        return self._collector.spans

    @property
    def all(self) -> list[Observation]:
        return [read(span) for span in self.spans]

    @property
    def one(self) -> Observation:
        (only,) = self.all
        return only
