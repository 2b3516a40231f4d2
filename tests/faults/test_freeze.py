"""Processes that are stopped the moment a handler returns, and go on much later or never: AWS Lambda."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from support.app import App, adopt, start_app
from support.sink import FaultSink

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGSTOP there")

HANDLER = """
import signal
from langfuse_otel import flush_after
{decorator}
def handler():
    end_spans(3)
tracing()
while True:
    handler()
    os.kill(os.getpid(), signal.SIGSTOP)
"""


def wait_until_stopped(app: App) -> None:
    _, status = os.waitpid(app.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), app.errors


def test_what_a_call_traced_is_delivered_before_the_process_freezes(delivery: dict[str, str]) -> None:
    source = HANDLER.format(decorator="@flush_after(timeout_s=20)")
    with FaultSink() as sink, start_app(source, sink.url, **delivery) as app:
        for call in range(1, 4):
            wait_until_stopped(app)
            assert len(app.span_ids) == 3 * call
            assert sink.delivered == dict.fromkeys(app.span_ids, 1)
            sink.drop_connections()  # as the server does while the process sleeps
            app.process.send_signal(signal.SIGCONT)
        wait_until_stopped(app)
        app.process.kill()

        assert sink.delivered == dict.fromkeys(app.span_ids, 1)
        assert app.errors == ""


def test_without_the_decorator_what_is_on_disk_survives_a_process_that_never_wakes(durable: dict[str, str]) -> None:
    with FaultSink() as sink:
        with start_app(HANDLER.format(decorator=""), sink.url, **durable) as app:
            wait_until_stopped(app)
            app.process.kill()
            app.process.wait()
            span_ids = app.span_ids
        adopt(sink, span_ids, durable)

        assert len(span_ids) == 3


def test_a_process_that_sleeps_within_a_request_delivers_when_it_wakes(delivery: dict[str, str]) -> None:
    source = "tracing(); end_spans(10); exporter.force_flush(60_000)"
    with FaultSink() as sink:
        take = sink.mode

        def stop_then_take(request: object) -> object:
            sink.mode = take
            app.process.send_signal(signal.SIGSTOP)
            wait_until_stopped(app)
            app.process.send_signal(signal.SIGCONT)
            return take(request)  # type: ignore[arg-type]

        sink.mode = stop_then_take  # type: ignore[assignment]
        with start_app(source, sink.url, **delivery) as app:
            ended = app.wait()

        assert ended.code == 0
        assert sink.delivered == dict.fromkeys(ended.span_ids, 1)
