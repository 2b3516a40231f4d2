"""Span processors: trace fields from the context onto each span that starts, each ended span into the pipeline."""

from __future__ import annotations

import logging
from typing import Protocol

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.util.types import AttributeValue

from langfuse_otel import fork, log
from langfuse_otel.context import current_trace_fields, span_attributes
from langfuse_otel.delivery import drain
from langfuse_otel.provenance import PROMPT_LABEL, current_prompt
from langfuse_otel.selection import span_started
from langfuse_otel.unfinished import OpenSpans, unfinished

PROMPT_NAME = "langfuse.observation.prompt.name"
PROMPT_VERSION = "langfuse.observation.prompt.version"


class TraceFieldsProcessor(SpanProcessor):
    """Copies user, session, tags and the other trace fields, and the prompt in use, onto every span that starts.

    Langfuse keeps them on each observation (langfuse-api.md, section 3.3). What the span was started with wins. Alone
    it is for exporters that something else feeds, as with ``OTEL_TRACES_EXPORTER=langfuse``.
    """

    # Here, and not in the class that uses them, which saves that a call for each span.
    _started = 0
    _open: OpenSpans | None = None

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Called by the SDK on the application's thread. Never raises."""
        self._started += 1
        try:
            if self._open is not None:
                self._open.add(span)
            _set_trace_fields(span, parent_context)
            span_started(span)
        except Exception as error:  # nothing of ours may reach the code that starts a span
            log.limited(logging.WARNING, "processor.on_start", "trace fields not set on a span: %s", error)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush every exporter of ours; False when ``timeout_millis`` did not suffice.

        ``BatchSpanProcessor`` does not ask its exporter, so that without this ``TracerProvider.force_flush`` would come
        back before the spans are delivered.
        """
        return drain.flush_all(timeout_millis / 1_000)


def _set_trace_fields(span: Span, parent_context: Context | None) -> None:
    attributes: dict[str, AttributeValue] = span_attributes(current_trace_fields(parent_context))
    prompt = current_prompt(parent_context)
    if not attributes and prompt is None:
        return
    given = span.attributes or {}
    if prompt is not None and PROMPT_NAME not in given:  # name and version belong together
        attributes[PROMPT_NAME] = prompt.name
        attributes[PROMPT_VERSION] = prompt.version
        if prompt.label is not None:
            attributes[PROMPT_LABEL] = prompt.label
    span.set_attributes({key: value for key, value in attributes.items() if key not in given})


class Sink(Protocol):
    """Where ended spans go: ``LangfuseSpanExporter``."""

    sends_unfinished: bool
    """Whether it wants the spans that have not ended when the process does."""

    def left_open(self, spans: int) -> None:
        """Be told how many there are when it does not."""
        ...

    def accept(self, span: ReadableSpan) -> object:
        """Take a span in charge and return at once."""
        ...

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until what was accepted is delivered."""
        ...

    def shutdown(self) -> None:
        """Deliver what is left, within the exit budget, and stop."""
        ...


class LangfuseSpanProcessor(TraceFieldsProcessor):
    """The whole way: trace fields at a span's start, the exporter's pipeline at its end.

    Spans go straight into the exporter's pipeline, with no second queue and thread in between as
    ``BatchSpanProcessor`` has. On the application's thread that takes a few microseconds.

    Args:
        exporter: A ``LangfuseSpanExporter``.
    """

    def __init__(self, exporter: Sink) -> None:
        self._exporter = exporter
        self.after_fork_child()
        fork.register(self)
        drain.before(self)

    def after_fork_child(self) -> None:
        """What has started so far, the parent ends."""
        self._started = self._ended = 0
        self._open = OpenSpans() if self._exporter.sends_unfinished else None
        self._is_ending = False

    def on_end(self, span: ReadableSpan) -> None:
        """Called by the SDK on the application's thread. Never raises; spans that are not sampled are left out."""
        self._ended += 1
        context = span.context
        if context is not None and context.trace_flags.sampled:
            if self._open is not None:
                span = self._open.ended(span, context.span_id)
            self._exporter.accept(span)

    def settle_open_spans(self) -> None:
        """The process is about to end: send the spans that have not ended as unfinished, or count them. Never raises.

        Only the first call has an effect.
        """
        if self._is_ending:
            return
        self._is_ending = True
        left_open = self._started - self._ended
        if self._open is not None:
            left_open = 0
            for span in self._open.take():
                try:
                    if span.end_time is None:
                        self._exporter.accept(unfinished(span))
                except Exception:
                    left_open += 1
        if left_open > 0:
            self._exporter.left_open(left_open)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until every span ended so far is delivered; False when ``timeout_millis`` did not suffice."""
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Deliver what is left, within the exporter's exit budget (5 seconds by default), and stop.

        Spans that have not ended are sent too, marked as unfinished, with the setting ``unfinished_spans``; else they
        are counted (``unfinished``) and the log says how many.
        """
        if not drain.is_exiting():  # else they may end in an exit hook that is yet to come
            self.settle_open_spans()
        self._exporter.shutdown()
