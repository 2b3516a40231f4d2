"""Puts a pipeline together as the settings say."""

from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.delivery.buffer import Buffer
from langfuse_otel.delivery.gate import Gate
from langfuse_otel.delivery.intake import Intake, Observe
from langfuse_otel.delivery.listeners import Listeners
from langfuse_otel.delivery.memory_intake import MemoryIntake
from langfuse_otel.delivery.pipeline import Pipeline
from langfuse_otel.delivery.pressure import strategy
from langfuse_otel.delivery.shortened import Shortening, shortened
from langfuse_otel.delivery.spool.error import UnsafeSpoolError
from langfuse_otel.delivery.spool.spool import Spool
from langfuse_otel.delivery.spool_intake import SpoolIntake
from langfuse_otel.errors import SettingsError
from langfuse_otel.resilience.backoff import Backoff
from langfuse_otel.resilience.breaker import CircuitBreaker
from langfuse_otel.settings import Settings
from langfuse_otel.tally import Cause, Tally
from langfuse_otel.transport.base import Transport


def assemble(
    transport: Transport,
    observe: Observe,
    settings: Settings,
    tally: Tally | None = None,
    listeners: Listeners | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Pipeline:
    """A pipeline.

    Args:
        transport: Where spans go.
        observe: What they mean.
        settings: Limits, times and guarantees.
        tally: Counters; new ones by default.
        listeners: The application's callbacks.
        clock: Time.

    Raises:
        SettingsError: The spool cannot be where the settings want it.
    """
    tally = tally or Tally()
    listeners = listeners or Listeners()
    breaker = CircuitBreaker(
        failures=settings.breaker_failures,
        open_s=settings.breaker_open_s,
        successes=settings.breaker_successes,
        clock=clock,
        on_change=listeners.breaker,
    )
    gate = Gate(Backoff(settings.retry_initial_s, settings.retry_max_s), breaker, clock)
    gives_way = strategy(
        settings,
        on_dropped=lambda spans: tally.count(Cause.DROPPED_OLDEST, spans),
        wake=lambda: pipeline.wake(),  # by then there is one
        clock=clock,
    )
    # Four bytes a character at most, and so the wire need not cut it again.
    max_characters = min(settings.max_batch_bytes, settings.max_queue_bytes) // 4

    def shorten(span: ReadableSpan) -> ReadableSpan:
        tally.count(Cause.TRUNCATED)
        return shortened(span, max_characters)

    buffer = Buffer(
        settings.max_queue_spans,
        settings.max_queue_bytes,
        strategy=gives_way,
        high=settings.pressure_high,
        low=settings.pressure_low,
        shorten=shorten,
    )
    memory = MemoryIntake(buffer, observe, tally)
    intake: Intake = memory
    if settings.delivery == "at_least_once":
        spool = _spool(settings, tally, clock)
        brief = Shortening(observe, settings.max_queue_bytes, shorten)
        intake = SpoolIntake(spool, memory, brief, tally, settings.max_spool_bytes, clock)
    tally.follow(Cause.ACCEPTED, lambda: sum(intake.mark()))  # spares the application's thread the counting
    pipeline = Pipeline(transport, intake, gate, settings, tally, listeners, clock)
    return pipeline


_LOST_AS = {
    "expired": Cause.EXPIRED,
    "spool_full": Cause.DROPPED_OLDEST,
    "damaged": Cause.DAMAGED,
}


def spool_project(settings: Settings) -> str:
    """What tells this project's spans on disk from those of others."""
    return f"{settings.base_url} {settings.public_key}"


def _spool(settings: Settings, tally: Tally, clock: Clock) -> Spool:
    def on_lost(why: str, rows: int) -> None:
        if why != "quarantine_full":  # refused, and counted as that
            tally.count(_LOST_AS[why], rows)

    try:
        return Spool(
            settings.spool_path,
            spool_project(settings),
            max_bytes=settings.max_spool_bytes,
            max_age_s=settings.max_spool_age_s,
            when_full=settings.spool_when_full,
            fsync=settings.spool_fsync,
            on_lost=on_lost,
            clock=clock,
        )
    except UnsafeSpoolError as error:
        fix = "Name a directory that is this user's alone, or leave `delivery` at best_effort"
        raise SettingsError("OTEL_EXPORTER_LANGFUSE_SPOOL_DIRECTORY", str(error), fix) from error
