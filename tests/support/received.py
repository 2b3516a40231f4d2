"""Received spans, made by hand."""

from __future__ import annotations

from typing import Any

from langfuse_otel.server.otlp_spans import Event, Source, Span

START_NS = 1_795_000_000_123_456_789


def span(
    attributes: dict[str, Any] | None = None,
    *,
    name: str = "operation",
    scope: str = "a.library",
    resource: dict[str, Any] | None = None,
    status_code: int = 0,
    status_message: str = "",
    events: list[Event] | None = None,
) -> Span:
    """A span of one second with these attributes."""
    return Span(
        Source(resource or {}, scope, "1.0", {}),
        "ab" * 16,
        "cd" * 8,
        None,
        name,
        START_NS,
        START_NS + 10**9,
        attributes or {},
        status_code,
        status_message,
        events or [],
    )
