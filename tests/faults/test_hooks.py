"""Functions of the application's that are slow or never return: nobody waits for one, and the log names it."""

from __future__ import annotations

import pytest

from support.app import run_app, start_app
from support.sink import FaultSink, status, taken

_TRACING = """
import threading, time
def stick(*arguments, **named):
    os.write(1, b"called\\n")
    threading.Event().wait()
def tracing_with(**functions):
    global exporter, tracer
    exporter = LangfuseSpanExporter(**functions)
    provider = TracerProvider()
    provider.add_span_processor(LangfuseSpanProcessor(exporter))
    tracer = provider.get_tracer("app")
"""


@pytest.mark.parametrize("hook", ["mask", "price"])
def test_one_that_never_returns_holds_up_neither_a_flush_nor_the_exit_and_is_named(hook: str) -> None:
    source = (
        _TRACING
        + f"""
from langfuse_otel import hook
hook.TOO_SLOW_S = 0.2
tracing_with({hook}=stick)
tracer.start_span("s", attributes={{
    "input": "x", "gen_ai.request.model": "m", "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 1
}}).end()
assert not exporter.force_flush(1_000)
assert "stick was called" in exporter.status().last_error, exporter.status()
assert exporter.status().pending_spans == 1
"""
    )
    with FaultSink() as sink:
        app = run_app(source, sink.url, OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT="1")

        assert app.code == 0, app.errors
        assert f"spans wait, as the {hook} function __main__.stick was called" in app.errors
        assert "shut down: delivered 0 spans, lost: shutdown=1" in app.errors
        assert not sink.delivered


@pytest.mark.parametrize("callback", ["on_error", "on_breaker"])
def test_a_callback_that_never_returns_holds_up_no_span(callback: str, delivery: dict[str, str]) -> None:
    source = (
        _TRACING
        + f"""
tracing_with({callback}=stick, breaker_failures=1, breaker_open_s=0.1)
end_spans(10)
exporter.force_flush(60_000)
end_spans(10)
"""
    )
    env = {**delivery, "OTEL_EXPORTER_LANGFUSE_RETRY_INITIAL": "0.05"}
    with FaultSink(status(503)) as sink, start_app(source, sink.url, **env) as running:
        running.wait_for(lambda: "called" in running.output)
        sink.mode = taken
        app = running.wait()

        assert app.code == 0, app.errors
        assert sink.delivered.keys() == {*app.span_ids}
        assert len(app.span_ids) == 20


def test_a_slow_mask_runs_on_no_thread_of_the_application_s() -> None:
    source = (
        _TRACING
        + """
application, masking = threading.get_ident(), []
def mask(data):
    masking.append(threading.get_ident())
    time.sleep(0.1)
    return data
tracing_with(mask=mask)
end_spans(5)
assert exporter.force_flush(20_000)
assert len(masking) == 5 and application not in masking
"""
    )
    with FaultSink() as sink:
        app = run_app(source, sink.url)

        assert app.code == 0, app.errors
        assert sink.delivered.keys() == {*app.span_ids}
