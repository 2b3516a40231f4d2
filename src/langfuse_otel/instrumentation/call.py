"""The life of one instrumented call, without I/O: begun, asked, ended once.

Sync and async shells (``shells.py``) and streams (``stream.py``) drive the same ``Call``; nothing here waits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter, time_ns
from types import TracebackType
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.content import ContentPolicy
from langfuse_otel.instrumentation.declare import Arguments, Attributes, Endpoint, Server
from langfuse_otel.instrumentation.guard import guarded, report
from langfuse_otel.instrumentation.link import prompt_attributes
from langfuse_otel.instrumentation.metrics import Metrics
from langfuse_otel.instrumentation.suppress import is_suppressed, outer_call, suppressing
from langfuse_otel.instrumentation.underway import Underway, underway
from langfuse_otel.redact import redact

_MAX_DESCRIPTION_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What the calls of one instrumentation share.

    Attributes:
        tracer: Makes their spans.
        metrics: Their histograms.
        content: What is recorded of messages.
        stream_usage: Whether to ask servers for the usage of streams (``Endpoint.stream_usage``).
    """

    tracer: Tracer
    metrics: Metrics
    content: ContentPolicy
    stream_usage: bool = False


def begin(endpoint: Endpoint, telemetry: Telemetry, instance: Any, arguments: Arguments) -> Call | None:
    """Start the call's span, or None if this call is not to be traced (suppressed, or our own failure)."""
    context = otel_context.get_current()
    if is_suppressed(context):
        return None
    around = underway(context)
    if around is not None and around.operation == endpoint.operation and not endpoint.is_model_call:
        return None  # a client's agent that calls on the next layer of itself
    try:
        return Call(endpoint, telemetry, instance, arguments, context)
    except Exception as error:  # a sampler or a span processor of the application may raise
        report("starting a span", error)
        return None


class Call:
    """One call from its start to its end. Ends once, whoever comes first; later ends do nothing.

    Args:
        endpoint: What it means.
        telemetry: Where it is recorded.
        instance: The object that is called.
        arguments: All arguments by name.
        around: The current context.
    """

    __slots__ = (
        "_arguments",
        "_attributes",
        "_context",
        "_ending",
        "_nested",
        "_start_attributes",
        "_started",
        "_stopped",
        "_telemetry",
        "_underway",
        "endpoint",
        "span",
    )

    def __init__(
        self, endpoint: Endpoint, telemetry: Telemetry, instance: Any, arguments: Arguments, around: Context
    ) -> None:
        self.endpoint = endpoint
        self._telemetry = telemetry
        self._arguments = arguments
        self._ending = threading.Lock()  # never released: acquiring it is the right to end the call
        self._start_attributes = _start_attributes(endpoint, instance, arguments)
        self._attributes: Attributes = {}
        outer = outer_call(around, endpoint.operation) if endpoint.is_model_call else None
        self._nested = outer is not None
        self._stopped: tuple[float, int] | None = None
        self._started = perf_counter()
        if outer is not None:
            self.span: Span = outer
            outer.set_attributes(self._start_attributes)
        else:
            subject = self._start_attributes.get(endpoint.subject)
            self.span = telemetry.tracer.start_span(
                f"{endpoint.operation} {subject}" if subject else endpoint.operation,
                kind=SpanKind.CLIENT if endpoint.is_model_call else SpanKind.INTERNAL,
                attributes=self._start_attributes,
                context=around,
            )
            around = set_span_in_context(self.span, around)
        self._underway = Underway(self.span, endpoint.operation, is_model_call=endpoint.is_model_call)
        silent = suppressing(endpoint.operation) if endpoint.is_model_call and outer is None else {}
        self._context = self._underway.within(around, silent)

    @property
    def asks_for_usage(self) -> bool:
        """Whether to add to a stream's request that its usage be reported."""
        return self._telemetry.stream_usage and self.endpoint.stream_usage is not None

    @property
    def context(self) -> Context:
        """In which its span is current and nested calls are silent."""
        return self._context

    @property
    def ended(self) -> bool:
        """Whether the call's end was recorded."""
        return self._ending.locked()

    @property
    def started_at_s(self) -> float:
        """When it began, on the clock of ``time.perf_counter``."""
        return self._started

    def stop_clock(self) -> None:
        """The call is over now, though ``end`` may come later."""
        self._stopped = perf_counter(), time_ns()

    def is_streamed(self) -> None:
        """The answer comes in chunks."""
        if self.endpoint.is_model_call:
            self._attributes[names.REQUEST_STREAM] = True

    def current(self) -> Current:
        """Makes the span current, and nested calls silent, for the duration of a ``with`` block."""
        return Current(self._context)

    def read_request(self) -> None:
        """Take what the request says into the span.

        Done when the client's method has returned: late, so that the request goes out first, but before the
        application can change its arguments again.
        """
        if not self.span.is_recording():
            return
        self._attributes.update(guarded("reading the request", self.endpoint.request, self._arguments) or {})
        content = guarded("reading the messages", self.endpoint.input, self._arguments) or {}
        try:
            self._attributes.update(prompt_attributes(self.span, content))
        except Exception as error:
            report("linking the prompt", error)
        if self._telemetry.content.capture:
            self._attributes.update(self._telemetry.content.encode(content))

    def end(
        self,
        response: Any = None,
        error: BaseException | None = None,
        *,
        time_to_first_chunk_s: float | None = None,
        times_per_chunk_s: Iterable[float] = (),
    ) -> None:
        """Record the outcome and end the span. Never raises.

        Args:
            response: The response, whole or partial; None if there is none.
            error: What ended the call, if it failed.
            time_to_first_chunk_s: For streams, from the start to the first chunk with content.
            times_per_chunk_s: For streams, from chunk to chunk after that.
        """
        if not self._ending.acquire(blocking=False):
            return
        self._underway.ended = True
        stopped, end_time_ns = self._stopped or (perf_counter(), None)
        duration_s = stopped - self._started
        try:
            self._read_response(response, error)
            if time_to_first_chunk_s is not None and self.endpoint.is_model_call:
                self._attributes[names.RESPONSE_TIME_TO_FIRST_CHUNK] = time_to_first_chunk_s
            if self._underway.requests > 1:
                self._attributes[names.RESEND_COUNT] = self._underway.requests - 1
            self._record_outcome(error)
            if not self._nested:
                attributes = {**self._start_attributes, **self._attributes}
                span = self.span.get_span_context()
                if self.endpoint.is_model_call:
                    self._telemetry.metrics.record(
                        attributes, span, duration_s, time_to_first_chunk_s, times_per_chunk_s
                    )
                else:
                    self._telemetry.metrics.record_step(attributes, span, duration_s)
        except Exception as failure:
            report("recording a call", failure)
        finally:
            self._end_span(end_time_ns)

    def _read_response(self, response: Any, error: BaseException | None) -> None:
        if response is None and error is not None and self.endpoint.salvage is not None:
            response = guarded("reading the error", self.endpoint.salvage, error)
        if response is None:
            return
        # Metrics need the usage of unsampled calls too; their content nobody needs.
        self._attributes.update(guarded("reading the response", self.endpoint.response, response) or {})
        if self._telemetry.content.capture and self.span.is_recording():
            output = guarded("reading the answer", self.endpoint.output, response) or {}
            self._attributes.update(self._telemetry.content.encode(output))

    def _record_outcome(self, error: BaseException | None) -> None:
        description = None
        if error is not None:
            self._attributes.update(guarded("reading the error", self.endpoint.failure, error) or {})
            self._attributes[names.ERROR_TYPE] = error_type(error)
            description = described(error, self._telemetry.content)
        try:
            self.span.set_attributes(self._attributes)
        except Exception as failure:  # an odd value must not cost the others
            report("recording attributes", failure)
            for name, value in self._attributes.items():
                with suppress(Exception):
                    self.span.set_attribute(name, value)
        if (kind := self._attributes.get(names.ERROR_TYPE)) is not None:
            self.span.set_status(Status(StatusCode.ERROR, description or str(kind)))

    def _end_span(self, end_time_ns: int | None) -> None:
        try:
            self.span.end(end_time_ns)
        except Exception as failure:  # a span processor of the application may raise
            report("ending a span", failure)


class AbandonedStreamError(Exception):
    """A stream was dropped before it was read to its end or closed."""


class Current:
    """Attaches a context for the length of a block, in the same task or thread."""

    __slots__ = ("_before", "_context", "_token")

    def __init__(self, context: Context) -> None:
        self._context = context

    def __enter__(self) -> None:
        self._before = otel_context.get_current()
        self._token = otel_context.attach(self._context)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not GeneratorExit:
            otel_context.detach(self._token)
        # A coroutine that is thrown away unfinished is closed in whatever context the collector runs in. The token
        # may mean nothing there, and detaching would log an error; but what is ours must not stay behind.
        elif otel_context.get_current() is self._context:
            otel_context.attach(self._before)


def _start_attributes(endpoint: Endpoint, instance: Any, arguments: Arguments) -> Attributes:
    attributes: Attributes = {names.OPERATION_NAME: endpoint.operation}
    if endpoint.server is not None:
        server = guarded("finding the server", endpoint.server, instance) or Server("unknown")
        attributes[names.PROVIDER_NAME] = server.provider
        if server.address:
            attributes[names.SERVER_ADDRESS] = server.address
            if server.port:
                attributes[names.SERVER_PORT] = server.port
    model = arguments.get("model")
    if isinstance(model, str):
        attributes[names.REQUEST_MODEL] = str.__str__(model)  # members of a str enum as the text that is sent
    try:
        attributes.update(endpoint.identity(instance, arguments))
    except Exception as error:
        report("identifying the call", error)
    return attributes


def error_type(error: BaseException) -> str:
    """What ``error.type`` says of it: the fully qualified class, builtins unqualified."""
    if isinstance(error, AbandonedStreamError):
        return names.ERROR_TYPE_OTHER
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def described(error: BaseException, content: ContentPolicy) -> str | None:
    """The error's text, without keys; None when it may quote what is not to be recorded."""
    # What could not be parsed is quoted by the error that says so (pydantic's ValidationError is a ValueError).
    if isinstance(error, ValueError) and not content.verbatim:
        return None
    try:
        text = str(error)
    except Exception:  # an exception whose __str__ raises
        return None
    return redact(text[: 2 * _MAX_DESCRIPTION_CHARACTERS])[:_MAX_DESCRIPTION_CHARACTERS]
