"""From spans to the observations that are sent: read, completed from the settings, each call told once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel.conventions.registry import read
from langfuse_otel.observation import Observation
from langfuse_otel.policy.twins import Twins
from langfuse_otel.selection import Selection
from langfuse_otel.settings import Settings


class Observer:
    """Makes observations of spans, batch by batch, on the thread that delivers them.

    Args:
        settings: Environment and release for spans that have none of their own.
        selection: Knows the parents of spans that hang higher than they did, as what was between is left out.
    """

    def __init__(self, settings: Settings, selection: Selection) -> None:
        self._selection = selection
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
        changed: dict[str, Any] = {
            name: value for name, value in self._defaults.items() if f"langfuse.{name}" not in own
        }
        is_moved, parent = self._selection.moved(span)
        if is_moved:
            changed["parent_span_id"] = None if parent is None else f"{parent:016x}"
            changed["is_app_root"] = observation.is_app_root or parent is None
        return msgspec.structs.replace(observation, **changed) if changed else observation
