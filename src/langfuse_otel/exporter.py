"""The exporter: an OpenTelemetry ``SpanExporter`` with the whole delivery pipeline inside."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langfuse_otel import log
from langfuse_otel.context import PROJECT, is_any_project_named
from langfuse_otel.delivery import drain
from langfuse_otel.delivery.assembly import assemble
from langfuse_otel.delivery.listeners import Listeners, OnBreaker, OnError, OnPressure
from langfuse_otel.delivery.pipeline import Pipeline
from langfuse_otel.delivery.shared import SharedPipeline, share
from langfuse_otel.delivery.status import LOSSES, Figures, State, Status
from langfuse_otel.errors import MissingExtraError, SettingsError
from langfuse_otel.http import HttpClient
from langfuse_otel.media.upload import MediaUploader
from langfuse_otel.observer import Observer
from langfuse_otel.policy.prices import Price
from langfuse_otel.resilience.breaker import BreakerState
from langfuse_otel.selection import Select, Selection
from langfuse_otel.settings import Settings, load
from langfuse_otel.tally import Cause, Tally
from langfuse_otel.telemetry import observe
from langfuse_otel.transport.base import Transport
from langfuse_otel.transport.endpoint import Endpoint
from langfuse_otel.transport.ingestion import judge_ingestion
from langfuse_otel.transport.negotiate import AutoTransport
from langfuse_otel.transport.otlp import judge_otlp
from langfuse_otel.transport.with_media import MediaTransport
from langfuse_otel.transport.with_scores import ScoreTransport
from langfuse_otel.wire.ingestion import IngestionWire
from langfuse_otel.wire.otlp import OtlpWire
from langfuse_otel.wire.scores import ScoreWire

_TRACE_ID_MASK = (1 << 64) - 1  # the lower half of a trace id decides about sampling, as in OTel's TraceIdRatioBased

_NO_SCOPE = object()


class LangfuseSpanExporter(SpanExporter):
    """Sends spans of any convention to Langfuse.

    ``export`` only accepts: mapping, encoding and sending happen on a thread of the exporter's, with retries for as
    long as memory lasts. Feed it by ``LangfuseSpanProcessor`` or by any processor of OpenTelemetry's.

    Exporters with the same settings, and without functions of the application's, share a queue, a thread, a connection
    and their figures: one for each request costs next to nothing. Each has a shutdown of its own.

    Args:
        select: Which spans to send, asked at each span's start, when its scope, name, parent and first attributes are
            known; besides the settings ``spans`` and ``left_out_scopes``. Children of a span that is left out hang from
            the nearest one that is not.
        price: What a call cost, in US dollars by kind of usage, where its span does not say; None leaves it to the
            server. Called on the exporter's thread.
        on_error: Gets a ``LangfuseError`` for each failed attempt, each refusal, and what was lost since the last time.
        on_pressure: Gets whether the queue is under pressure now, and which share of it is in use.
        on_breaker: Gets old and new state of the circuit breaker, and the error that opened it. All three are called on
            a thread of their own, one at a time; one that takes long delays its own news only (``delivery.listeners``).
        **options: Any setting by its name (``settings.SETTINGS``). None and what is not given: from the environment.

    Raises:
        SettingsError: An option is unknown or malformed. What is wrong in the environment does not raise, nor do
            missing keys: a line in the log says what to change, and the exporter only counts the spans (``disabled``).
    """

    def __init__(
        self,
        *,
        select: Select | None = None,
        price: Price | None = None,
        on_error: OnError | None = None,
        on_pressure: OnPressure | None = None,
        on_breaker: OnBreaker | None = None,
        **options: Any,
    ) -> None:
        # A mistake in the code is worth an exception, one in the environment is not.
        Observer(load({}, **options), Selection(), price=price)
        self.tally = Tally()
        self.sends_unfinished = False
        self._pipeline: Pipeline | None = None
        self._is_shut_down = False
        self._sampled_below = _TRACE_ID_MASK + 1
        self._selection = Selection()
        self._public_key, self._only_own = "", False
        self._plain_scope: object = _NO_SCOPE
        try:
            settings = load(**options)
            if not settings.tracing_enabled:
                return
            public_key, _ = settings.require_keys()

            def make() -> SharedPipeline:
                listeners = Listeners(on_error=on_error, on_pressure=on_pressure, on_breaker=on_breaker)
                return _pipeline(settings, select, price, listeners)

            functions = (select, price, on_error, on_pressure, on_breaker, *filter(callable, settings.mask))
            user = object()
            if any(function is not None for function in functions):
                shared = make()
                shared.join(user)
            else:
                shared = share(user, settings, make)
        except (SettingsError, MissingExtraError) as error:
            log.once(logging.ERROR, f"settings:{error}", "no spans go to Langfuse: %s", error)
            return
        self._shutdown_timeout_s = settings.shutdown_timeout_s
        self._sampled_below = round(settings.sample_rate * (_TRACE_ID_MASK + 1))
        self._selection = shared.selection
        self.sends_unfinished = settings.unfinished_spans
        self._public_key, self._only_own = public_key, settings.only_own_spans
        self._shared, self._user = shared, user
        self._pipeline = shared.pipeline
        self.tally = shared.pipeline.tally
        self._deliver = shared.pipeline.accept
        # An exporter that nobody shuts down, as one made for each request, must not leave a thread behind.
        weakref.finalize(self, shared.drop, user).atexit = False  # the exit has its own way
        if settings.exporter_metrics:
            observe(shared, shown_as=type(self))

    def accept(self, span: ReadableSpan) -> Cause:
        """Take one span in charge and return at once: ``ACCEPTED``, or the cause under which it was counted instead."""
        scope = span.instrumentation_scope
        if scope is self._plain_scope and not is_any_project_named():
            return self._deliver(span)
        if self._pipeline is None:
            self.tally.count(Cause.DISABLED)
            return Cause.DISABLED
        if not self._is_own(span, scope) or (self._selection.is_active and not self._selection.keeps(span)):
            self.tally.count(Cause.LEFT_OUT)
            return Cause.LEFT_OUT
        if self._sampled_below <= _TRACE_ID_MASK:
            context = span.context
            if context is not None and context.trace_id & _TRACE_ID_MASK >= self._sampled_below:
                self.tally.count(Cause.SAMPLED)
                return Cause.SAMPLED
        elif not self._selection.is_active and not self._only_own and not _is_of_langfuse_sdk(scope):
            self._plain_scope = scope  # the next span is likely of the same, and nothing has to be asked
        return self._deliver(span)

    def left_open(self, spans: int) -> None:
        """Be told of spans that had not ended when the process did: they are counted (``unfinished``), and said."""
        if self._pipeline is not None:
            self.tally.count(Cause.UNFINISHED, spans)
            message = (
                "%d spans had not ended at the shutdown and are not sent; LANGFUSE_UNFINISHED_SPANS=true sends them"
            )
            log.limited(logging.WARNING, "exporter.unfinished", message, spans)

    def _is_own(self, span: ReadableSpan, scope: InstrumentationScope | None) -> bool:
        """Whether a span is for this project: it says so, or says nothing and this is where such spans go."""
        # The SDK's attributes take a microsecond to look one up: not before somebody has used it in this process.
        project = (span.attributes or {}).get(PROJECT) if is_any_project_named() else None
        if project is None and scope is not None and _is_of_langfuse_sdk(scope):
            project = (scope.attributes or {}).get("public_key")  # so does Langfuse's SDK tell its clients apart
        return not self._only_own if project is None else project == self._public_key

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Take spans in charge and return at once.

        Success means accepted: into memory, not yet by the server. Failure says that some found no room, or came after
        ``shutdown``; they are counted. A disabled exporter succeeds.
        """
        causes = {self.accept(span) for span in spans}
        return SpanExportResult.FAILURE if causes.intersection(LOSSES) else SpanExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until every span accepted so far is delivered, or refused by the server for good.

        Returns:
            False after ``timeout_millis``, whatever the server does. Nothing is lost by that: the spans stay and are
            sent later.
        """
        return self._pipeline is None or self._pipeline.flush(timeout_millis / 1_000)

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Deliver what is left and stop. Spans that come later are counted and lost.

        Waits ``timeout_millis``, but never longer than the exit budget (setting ``shutdown_timeout_s``, 5 seconds),
        which OpenTelemetry's own 30 seconds would exceed. What could not be delivered is said in one line of the log.
        Where other exporters with the same settings go on, they deliver what is left.
        """
        if self._pipeline is None:
            return
        timeout_s = min(timeout_millis / 1_000, self._shutdown_timeout_s)
        if drain.is_exiting():  # other exit hooks may still end spans, and ours, which comes late, ends the pipeline
            self._pipeline.close(timeout_s)
            self._pipeline.flush(timeout_s)
        elif self._shared.leave(self._user):
            self._pipeline.shutdown(timeout_s)
        else:
            self._deliver, self._is_shut_down = self._shared.turn_away, True
            self._pipeline.flush(timeout_s)

    async def aflush(self, timeout_s: float = 30.0) -> bool:
        """``force_flush`` for asyncio: the event loop runs on meanwhile. Cancelling it loses nothing."""
        return await asyncio.to_thread(self.force_flush, int(timeout_s * 1_000))

    async def ashutdown(self, timeout_s: float = 30.0) -> None:
        """``shutdown`` for asyncio: the event loop runs on meanwhile."""
        await asyncio.to_thread(self.shutdown, timeout_s * 1_000)

    def reset_breaker(self) -> None:
        """Close the circuit breaker by hand, so that the next batch is sent at once."""
        if self._pipeline is not None:
            self._pipeline.reset_breaker()

    def status(self) -> Status:
        """How delivery goes, what waits, and every span so far by what became of it."""
        if self._pipeline is not None:
            status = self._pipeline.status()
            return replace(status, state=State.CLOSED) if self._is_shut_down else status
        return Status(
            state=State.DISABLED,
            since=0.0,
            last_error=None,
            wire="none",
            breaker=BreakerState.CLOSED,
            counts=self.tally.snapshot(),
            requests={},
            **Figures(0, 0, 0, 0, 0.0)._asdict(),
        )


def _is_of_langfuse_sdk(scope: InstrumentationScope | None) -> bool:
    return scope is not None and scope.name.startswith("langfuse-sdk")


def _pipeline(settings: Settings, select: Select | None, price: Price | None, listeners: Listeners) -> SharedPipeline:
    tally = Tally()
    selection = Selection(only_llm=settings.spans == "llm", left_out_scopes=settings.left_out_scopes, select=select)
    observer = Observer(settings, selection, price=price, on_mask_failed=lambda: tally.count(Cause.MASK_FAILED))
    pipeline = assemble(_transport(settings, tally), observer, settings, tally, listeners)
    return SharedPipeline(pipeline, selection, settings)


def _transport(settings: Settings, tally: Tally) -> Transport:
    client = HttpClient.of(settings)

    def truncated() -> None:
        tally.count(Cause.TRUNCATED)

    compress = settings.compression == "gzip"
    otlp = Endpoint(client, OtlpWire(on_truncated=truncated), judge_otlp, compress=compress)
    # The ingestion endpoint inflates nothing.
    ingestion = Endpoint(client, IngestionWire(on_truncated=truncated), judge_ingestion, compress=False)
    wires: dict[str, Transport] = {"auto": AutoTransport(otlp, ingestion), "otlp": otlp, "ingestion": ingestion}
    scores = Endpoint(client, ScoreWire(on_truncated=truncated), judge_ingestion, compress=False)
    transport = wires[settings.wire]
    if not settings.upload_media:
        return ScoreTransport(transport, scores)
    uploader = MediaUploader(
        client,
        on_uploaded=lambda count: tally.count(Cause.MEDIA_UPLOADED, count),
        on_lost=lambda count: tally.count(Cause.MEDIA_LOST, count),
    )
    return ScoreTransport(MediaTransport(transport, uploader, settings.max_medium_bytes), scores)
