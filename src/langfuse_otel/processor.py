"""Span processors: trace fields from the context onto each span that starts, each ended span into the pipeline."""

from __future__ import annotations

import logging
from typing import Protocol

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.util.types import AttributeValue

from langfuse_otel import log
from langfuse_otel.context import current_trace_fields, span_attributes
from langfuse_otel.delivery import drain
from langfuse_otel.provenance import PROMPT_LABEL, current_prompt
from langfuse_otel.selection import span_started

PROMPT_NAME = "langfuse.observation.prompt.name"
PROMPT_VERSION = "langfuse.observation.prompt.version"


class TraceFieldsProcessor(SpanProcessor):
    """Copies user, session, tags and the other trace fields, and the prompt in use, onto every span that starts.

    Langfuse keeps them on each observation (langfuse-api.md, section 3.3). What the span was started with wins. Alone
    it is for exporters that something else feeds, as with ``OTEL_TRACES_EXPORTER=langfuse``.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Called by the SDK on the application's thread. Never raises."""
        try:
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

    def on_end(self, span: ReadableSpan) -> None:
        """Called by the SDK on the application's thread. Never raises; spans that are not sampled are left out."""
        context = span.context
        if context is not None and context.trace_flags.sampled:
            self._exporter.accept(span)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until every span ended so far is delivered; False when ``timeout_millis`` did not suffice."""
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Deliver what is left, within the exporter's exit budget (5 seconds by default), and stop."""
        self._exporter.shutdown()
