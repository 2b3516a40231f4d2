"""Begin observations."""

from __future__ import annotations

from datetime import datetime

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import TracerProvider
from typing_extensions import Unpack

from langfuse_otel.observation import ObservationType
from langfuse_otel.tracing.fields import Fields, GenerationFields, attributes_of
from langfuse_otel.tracing.live import LiveObservation, nanoseconds

SCOPE = "langfuse_otel"


def begin(
    name: str,
    kind: ObservationType,
    fields: Fields,
    *,
    start_time: datetime | None = None,
    context: Context | None = None,
    tracer_provider: TracerProvider | None = None,
) -> LiveObservation:
    """Begin an observation of any type."""
    tracer = trace.get_tracer(SCOPE, tracer_provider=tracer_provider)
    started = tracer.start_span(
        name,
        context=context,
        attributes=attributes_of(fields, kind),
        start_time=None if start_time is None else nanoseconds(start_time),
    )
    return LiveObservation(started)


def span(
    name: str,
    *,
    type: ObservationType = "span",  # noqa: A002  # Langfuse's word
    start_time: datetime | None = None,
    tracer_provider: TracerProvider | None = None,
    **fields: Unpack[Fields],
) -> LiveObservation:
    """Begin a step of the program.

    Args:
        name: Its name.
        type: ``span``, ``agent``, ``tool``, ``chain``, ``retriever``, ``embedding``, ``evaluator`` or ``guardrail``.
        start_time: When it began; now by default.
        tracer_provider: Whose; the global one by default.
        **fields: See ``Fields``.

    Example:
        >>> with span("look up", type="tool", input={"city": "Rome"}) as step:
        ...     step.update(output="12:00")
    """
    return begin(name, type, fields, start_time=start_time, tracer_provider=tracer_provider)


def generation(
    name: str,
    *,
    start_time: datetime | None = None,
    tracer_provider: TracerProvider | None = None,
    **fields: Unpack[GenerationFields],
) -> LiveObservation:
    """Begin a call of a model that no instrumentation sees.

    Args:
        name: Its name.
        start_time: When it began; now by default.
        tracer_provider: Whose; the global one by default.
        **fields: See ``GenerationFields``.

    Example:
        >>> call = generation("answer", model="in-house-7b", input=messages)
        >>> call.end(output=reply, usage={"input": 12, "output": 40})
    """
    return begin(name, "generation", fields, start_time=start_time, tracer_provider=tracer_provider)


def event(name: str, *, tracer_provider: TracerProvider | None = None, **fields: Unpack[Fields]) -> LiveObservation:
    """Note something that happened at this moment.

    Args:
        name: Its name.
        tracer_provider: Whose; the global one by default.
        **fields: See ``Fields``.

    Returns:
        The event, which has ended.
    """
    happened = begin(name, "event", fields, tracer_provider=tracer_provider)
    happened.end()
    return happened


def current_observation() -> LiveObservation:
    """The observation that code is in, whoever began it, to say more about it. Outside of any it takes what is said
    and forgets it."""
    return LiveObservation(trace.get_current_span())
