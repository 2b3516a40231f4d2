"""Spans around calls: a step of a framework, such as an agent, a chain, a tool or a retrieval."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import perf_counter, time_ns
from typing import Any, NamedTuple

import msgspec
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.util.types import AttributeValue

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.abandoned import abandoned_streams
from langfuse_otel.instrumentation.call import AbandonedStreamError, Telemetry, described, error_type
from langfuse_otel.instrumentation.declare import Attributes, Content
from langfuse_otel.instrumentation.guard import guarded, report

Reading = Callable[[Any], Content]
"""Something given or returned → content attributes. One that raises costs these attributes."""


class Kind(NamedTuple):
    """What a step is. ``step_kinds`` has those that all frameworks share.

    Attributes:
        name: Of the span.
        attributes: Known at the start.
        given: Reads what the step is given.
        result: Reads its result.
    """

    name: str
    attributes: Attributes
    given: Reading
    result: Reading


class Step:
    """One step from its start to its end. Ends once, whoever comes first. Tokens belong to the calls inside it.

    It hangs below the span that is current when it is made.

    Args:
        telemetry: The instrumentation's.
        kind: What it is.
        attributes: What else is known at the start.

    Raises:
        Exception: What a sampler or a span processor of the application raises.
    """

    def __init__(self, telemetry: Telemetry, kind: Kind, attributes: Attributes | None = None) -> None:
        self._telemetry = telemetry
        self._kind = kind
        self._attributes: Attributes = {**(attributes or {}), **kind.attributes}
        self._started = perf_counter()
        self._error: BaseException | None = AbandonedStreamError("abandoned")
        self._stopped: tuple[float, int] | None = None
        self._ending = threading.Lock()  # never released: acquiring it is the right to end the step
        self._span = telemetry.tracer.start_span(kind.name, kind=SpanKind.INTERNAL, attributes=self._attributes)
        self.context = set_span_in_context(self._span)

    def begin(self, given: Any) -> None:
        """Record what the step is given, which may be known late."""
        self._record(self._kind.given, given)

    def end(self, result: Any = None, error: BaseException | None = None) -> None:
        """Record the outcome and end the span. Never raises. A generator that was closed early is no error."""
        if result is not None:
            self._record(self._kind.result, result)
        if isinstance(error, GeneratorExit):
            self._error, self._stopped = None, (perf_counter(), time_ns())
            abandoned_streams.end(self)
        else:
            self._end(error)

    def end_abandoned(self) -> None:
        """End it, unless it has ended: its end will not be called back."""
        self._end(self._error)

    def _record(self, reading: Reading, value: Any) -> None:
        """As far as content is recorded; what is text only as that text."""
        if self._telemetry.content.capture and self._span.is_recording():
            encoded = self._telemetry.content.encode(guarded("reading a step", reading, value) or {})
            self._span.set_attributes({name: _plain(recorded) for name, recorded in encoded.items()})

    def _end(self, error: BaseException | None) -> None:
        if not self._ending.acquire(blocking=False):
            return
        stopped, ended_at_ns = self._stopped or (perf_counter(), None)
        try:
            if error is not None:
                self._attributes[names.ERROR_TYPE] = kind = error_type(error)
                self._span.set_attribute(names.ERROR_TYPE, kind)
                self._span.set_status(Status(StatusCode.ERROR, described(error, self._telemetry.content) or kind))
            self._telemetry.metrics.record_step(
                self._attributes, self._span.get_span_context(), stopped - self._started
            )
            self._span.end(ended_at_ns)
        except Exception as failure:  # a span processor of the application may raise
            report("ending a span", failure)


def _plain(encoded: AttributeValue) -> AttributeValue:
    """The text that a JSON string stands for; any other JSON stays JSON."""
    if isinstance(encoded, str) and encoded.startswith('"'):
        return str(msgspec.json.decode(encoded))
    return encoded
