"""Scores: what a user, a check or another model thinks of an observation, of its trace, or of a session."""

from __future__ import annotations

import logging
import math
import re
import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias, get_args

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TracerProvider
from opentelemetry.util.types import AttributeValue

from langfuse_otel import log
from langfuse_otel import score_attributes as names
from langfuse_otel.observation import ScoreSubject, ScoreType
from langfuse_otel.tracing.fields import Fields, attributes_of
from langfuse_otel.tracing.live import LiveObservation, nanoseconds
from langfuse_otel.tracing.start import SCOPE

ScoreValue: TypeAlias = "float | bool | str"

_TYPES = frozenset(get_args(ScoreType))
_TRACE_ID, _SPAN_ID = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}")
_HIGH = 64  # bits; sampling by trace id looks at those below


def score(
    *,
    name: str,
    value: ScoreValue,
    data_type: ScoreType | None = None,
    comment: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    config_id: str | None = None,
    id: str | None = None,  # noqa: A002  # Langfuse's word
    environment: str | None = None,
    timestamp: datetime | None = None,
    of: Literal["observation", "trace"] = "observation",
    observation: LiveObservation | None = None,
    trace_id: str | None = None,
    observation_id: str | None = None,
    session_id: str | None = None,
    tracer_provider: TracerProvider | None = None,
) -> str | None:
    """Score the observation that code is in, another one, a whole trace or a session.

    It goes the way of the spans: never waits, is sent with them, retried, kept on disk and counted like one, and left
    out where its trace is not sampled. A value that no score can have does not raise: it is said in the log.

    Args:
        name: What is judged, for example ``helpful``.
        value: A number, a truth value, or a text.
        data_type: ``NUMERIC``, ``BOOLEAN`` (also 0 and 1), ``CATEGORICAL``, ``TEXT`` (500 characters at most) or
            ``CORRECTION`` (what the output should have been); by default what the value looks like, a text being
            ``CATEGORICAL``. ``TEXT`` and ``CORRECTION`` are content: capture and masks apply to them.
        comment: Why.
        metadata: More about it.
        config_id: Of Langfuse's score config, which it then has to fit.
        id: Its own id; a second score with the same one, on the same day, replaces the first. Random by default.
        environment: By default the one of the exporter.
        timestamp: When; now by default.
        of: ``trace`` for the trace of the observation instead of the observation.
        observation: The one to score, going on or ended; by default the current one.
        trace_id: A trace by its id (32 hex digits), of this process or any other: that, and not what is current.
        observation_id: With ``trace_id``, the observation in it (16 hex digits).
        session_id: A session instead.
        tracer_provider: Through whose exporters; the global one's by default.

    Returns:
        The score's id; None where there is none, as the log says.

    Raises:
        TypeError: It is told to score two things at once.

    Example:
        >>> @observe
        ... def answer(question):
        ...     score(name="has_source", value=True)
    """
    if sum(one is not None for one in (observation, trace_id, session_id)) > 1 or (observation_id and not trace_id):
        raise TypeError("a score is of an observation, of a trace by its id, or of a session")
    try:
        kind, said = _checked(value, data_type)
        subject, context = _subject(of, observation, trace_id, observation_id, session_id)
        if not isinstance(name, str) or not name:
            raise ValueError("it has no name")
    except ValueError as problem:
        log.limited(logging.WARNING, "tracing.score", "the score %.80r is not sent: %s", name, problem)
        return None
    given = id or uuid.uuid4().hex
    attributes: dict[str, AttributeValue] = {
        **attributes_of(Fields(metadata=metadata)),
        names.NAME: name,
        names.VALUE if isinstance(said, float) else names.LABEL: said,
        names.ID: given,
        names.TYPE: kind,
        names.SUBJECT: subject,
    }
    for key, text in (
        (names.EXPLANATION, comment),
        (names.CONFIG_ID, config_id),
        ("langfuse.environment", environment),
        ("session.id", session_id),
    ):
        if text is not None:
            attributes[key] = str(text)
    at_ns = None if timestamp is None else nanoseconds(timestamp)
    tracer = trace.get_tracer(SCOPE, tracer_provider=tracer_provider)
    tracer.start_span(f"score {name}", context=context, attributes=attributes, start_time=at_ns).end(at_ns)
    return given


def _checked(value: Any, kind: ScoreType | None) -> tuple[ScoreType, float | str]:
    """Type and value as Langfuse takes them (langfuse-api.md, section 2); raises ValueError for what it refuses."""
    if not isinstance(value, (str, bool, int, float)):
        value = _scalar(value)
    if kind is None:
        kind = "BOOLEAN" if isinstance(value, bool) else "CATEGORICAL" if isinstance(value, str) else "NUMERIC"
    if kind not in _TYPES:
        raise ValueError(f"there is no type {kind!r:.40}")
    if kind not in ("NUMERIC", "BOOLEAN"):
        if not isinstance(value, str) or not value:
            raise ValueError(f"a {kind} score has a text")
        return kind, value
    if isinstance(value, str):
        raise ValueError(f"a {kind} score has a number")
    number = float(value) if abs(value) < 1e300 else math.inf
    if not math.isfinite(number) or (kind == "BOOLEAN" and number not in (0, 1)):
        raise ValueError(f"{number} is no value of a {kind} score")
    return kind, number


def _scalar(value: Any) -> Any:
    """A number of NumPy's, a tensor's only one, or a decimal as Python's own."""
    try:
        return value.item() if hasattr(value, "item") else float(value)
    except Exception as error:
        raise ValueError(f"a {type(value).__name__} is no number, truth value or text") from error


def _subject(
    of: Literal["observation", "trace"],
    observation: LiveObservation | None,
    trace_id: str | None,
    observation_id: str | None,
    session_id: str | None,
) -> tuple[ScoreSubject, Context]:
    """What is scored, and the context that makes the score's span a child of it."""
    context = otel_context.get_current()
    if session_id is not None:
        # In no trace. Whoever samples by trace id keeps this one, as its lower half is zero.
        return "session", _inside(secrets.randbits(_HIGH) << _HIGH | 1 << 127, secrets.randbits(_HIGH) | 1, context)
    if trace_id is not None:
        if not _TRACE_ID.fullmatch(trace_id) or (observation_id and not _SPAN_ID.fullmatch(observation_id)):
            raise ValueError("a trace's id has 32 hex digits and an observation's 16, in lower case")
        parent = int(observation_id, 16) if observation_id else int(trace_id[16:], 16) or 1
        return "observation" if observation_id else "trace", _inside(int(trace_id, 16), parent, context)
    if observation is not None:
        context = trace.set_span_in_context(observation.span, context)
    if not trace.get_current_span(context).get_span_context().is_valid:
        raise ValueError("there is no current observation, or nothing is traced")
    return of, context


def _inside(trace_id: int, span_id: int, context: Context) -> Context:
    """A context inside a span of another process, or one that has long ended."""
    parent = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return trace.set_span_in_context(NonRecordingSpan(parent), context)
