"""Spans as the unit tests of conventions make them, and what is read from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Span, Status, StatusCode

from langfuse_otel.conventions import langfuse, otel
from langfuse_otel.conventions.convention import Convention
from langfuse_otel.conventions.registry import Registry
from langfuse_otel.observation import Observation


def make_span(
    attributes: Mapping[str, Any] | None = None,
    *,
    name: str = "work",
    scope: str = "tests",
    resource: Mapping[str, Any] | None = None,
    during: Callable[[Span], None] = lambda span: None,
    context: Any = None,
) -> ReadableSpan:
    """A span of the real SDK, finished, with these attributes; ``during`` runs before it ends."""
    provider = TracerProvider(resource=Resource(resource or {}), shutdown_on_exit=False)
    span = provider.get_tracer(scope).start_span(name, attributes=attributes, context=context)
    during(span)
    span.end()
    assert isinstance(span, ReadableSpan)
    return span


def with_events(*events: tuple[str, Mapping[str, Any]]) -> Callable[[Span], None]:
    """What adds these events to a span, for ``during``."""

    def add(span: Span) -> None:
        for name, attributes in events:
            span.add_event(name, attributes)

    return add


def registry_of(*conventions: Convention) -> Registry:
    """These conventions between what the application says by Langfuse's names, and what the span says itself."""
    return Registry((langfuse.CONVENTION, *conventions, otel.CONVENTION))


def reading(*conventions: Convention, scope: str, name: str = "work") -> Callable[..., Observation]:
    """What reads attributes, of any type at all, as the observation of a span of ``scope``; 1 µs long."""
    registry, usual_scope, usual_name = registry_of(*conventions), scope, name

    def read(
        attributes: Mapping[str, Any],
        *,
        name: str = usual_name,
        scope: str = usual_scope,
        status: StatusCode = StatusCode.UNSET,
        events: Sequence[Event] = (),
    ) -> Observation:
        return registry.read(
            ReadableSpan(
                name,
                attributes=attributes,
                events=events,
                start_time=1_000,
                end_time=2_000,
                instrumentation_scope=InstrumentationScope(scope),
                status=Status(status),
            )
        )

    return read


def plain(value: object) -> Any:
    """As JSON shows it."""
    return msgspec.json.decode(msgspec.json.encode(value))
