"""``flush_after``: what a call traced is delivered before it returns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from opentelemetry.trace import Tracer

from langfuse_otel import LangfuseSpanExporter, LangfuseSpanProcessor, flush_after
from support.sink import FaultSink, hang
from support.spans import tracer_into


@pytest.fixture
def sink() -> Iterator[FaultSink]:
    with FaultSink() as made:
        yield made


def exporter_to(sink: FaultSink) -> LangfuseSpanExporter:
    return LangfuseSpanExporter(
        public_key="pk-lf-1",
        secret_key="sk-lf-1",
        base_url=sink.url,
        flush_interval_s=3_600.0,
        shutdown_timeout_s=0.1,
    )


@pytest.fixture
def tracer(sink: FaultSink) -> Iterator[Tracer]:
    with tracer_into(LangfuseSpanProcessor(exporter_to(sink))) as made:
        yield made


def called(function: Callable[..., Any], *args: Any) -> Any:
    """What a plain or an async function returns."""
    result = function(*args)
    return asyncio.run(result) if asyncio.iscoroutine(result) else result


@pytest.mark.parametrize("options", [None, {"timeout_s": 20.0}], ids=["bare", "with a timeout"])
@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
def test_a_call_returns_when_its_spans_are_delivered(
    is_async: bool, options: dict[str, float] | None, sink: FaultSink, tracer: Tracer
) -> None:
    def plain(event: str) -> str:
        """Handles."""
        tracer.start_span(event).end()
        return f"done {event}"

    async def awaited(event: str) -> str:
        """Handles."""
        return plain(event)

    function: Callable[..., Any] = awaited if is_async else plain
    handler = flush_after(**options)(function) if options else flush_after(function)

    assert called(handler, "event") == "done event"

    assert len(sink.delivered) == 1
    assert asyncio.iscoroutinefunction(handler) is is_async
    assert handler.__doc__ == "Handles."


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
def test_a_call_that_raises_is_delivered_too_and_raises_the_same(
    is_async: bool, sink: FaultSink, tracer: Tracer
) -> None:
    def plain() -> None:
        tracer.start_span("fails").end()
        raise KeyError("the handler's own")

    async def awaited() -> None:
        plain()

    with pytest.raises(KeyError, match="the handler's own"):
        called(flush_after(awaited if is_async else plain))
    assert len(sink.delivered) == 1


def test_a_hung_server_holds_a_call_up_no_longer_than_the_timeout_and_loses_nothing(sink: FaultSink) -> None:
    sink.mode = hang
    exporter = exporter_to(sink)
    with tracer_into(LangfuseSpanProcessor(exporter)) as tracer:

        @flush_after(timeout_s=0.05)
        def handler() -> int:
            tracer.start_span("waits").end()
            return 1

        assert handler() == 1
        assert exporter.status().pending_spans == 1


def test_one_hung_server_does_not_take_the_time_of_the_others(sink: FaultSink, tracer: Tracer) -> None:
    with FaultSink(hang) as hung, tracer_into(LangfuseSpanProcessor(exporter_to(hung))) as other:

        @flush_after(timeout_s=0.3)
        def handler() -> None:
            other.start_span("waits").end()
            tracer.start_span("is delivered").end()

        handler()
        sink.wait_for_requests(1)


def test_a_generator_function_is_refused() -> None:
    def stream() -> Iterator[int]:
        yield 1

    async def astream() -> AsyncIterator[int]:
        yield 1

    for function in (stream, astream):
        with pytest.raises(TypeError, match="generator function"):
            flush_after(function)
