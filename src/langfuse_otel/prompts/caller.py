"""For whom our threads work, as OpenTelemetry's context has it; threads do not inherit it.

Who waits for a read is the parent of the spans that are made in it. Who does not wait, as what is past its time is
served at once, may have ended by then: those spans are traces of their own, with a link to him.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context

T = TypeVar("T")

_CAUSE = otel_context.create_key("langfuse-prompt-read-cause")


def in_callers_context(job: Callable[[], T]) -> Callable[[], T]:
    """The job, to be run on another thread while the caller waits."""
    return _within(otel_context.get_current(), job)


def behind_callers_back(job: Callable[[], T]) -> Callable[[], T]:
    """The job, to be run on another thread while the caller goes on."""
    return _within(otel_context.set_value(_CAUSE, trace.get_current_span().get_span_context(), Context()), job)


def links() -> list[trace.Link]:
    """To the span of the caller behind whose back this is done, if there was one."""
    cause = otel_context.get_value(_CAUSE)
    return [trace.Link(cause)] if isinstance(cause, trace.SpanContext) and cause.is_valid else []


def _within(context: Context, job: Callable[[], T]) -> Callable[[], T]:
    def run() -> T:
        token = otel_context.attach(context)
        try:
            return job()
        finally:
            otel_context.detach(token)

    return run
