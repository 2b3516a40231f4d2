"""From spans to the observations that are sent: read, completed from the settings, each call told once."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel.conventions.registry import read
from langfuse_otel.observation import Observation
from langfuse_otel.policy.twins import Twins
from langfuse_otel.settings import Settings


class Observer:
    """Makes observations of spans, batch by batch, on the thread that delivers them.

    Args:
        settings: Environment and release for spans that have none of their own.
    """

    def __init__(self, settings: Settings) -> None:
        self._defaults = {
            name: value
            for name, value in (("environment", settings.environment), ("release", settings.release))
            if value is not None
        }
        self._twins = Twins()

    def __call__(self, spans: Sequence[ReadableSpan]) -> list[Observation]:
        """One observation for each span, in order."""
        return self._twins.tell_once([self._read(span) for span in spans])

    def _read(self, span: ReadableSpan) -> Observation:
        observation = read(span)
        own = span.attributes or {}
        missing = {name: value for name, value in self._defaults.items() if f"langfuse.{name}" not in own}
        return msgspec.structs.replace(observation, **missing) if missing else observation
