"""Signals that end a process: what ended before is delivered, and the process ends as the signal ends it."""

from __future__ import annotations

import signal
import sys

import pytest

from support.app import AT_LEAST_ONCE, GUARANTEE, adopt, start_app
from support.sink import FaultSink, hang, taken

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM there")

LOAD = """
import signal, threading, time
def load():
    while True:
        end_spans(1)
        time.sleep(0.002)
def begin_load():
    for _ in range(3):
        threading.Thread(target=load, daemon=True).start()
"""
OFTEN = {"LANGFUSE_FLUSH_INTERVAL": "0.1"}


@pytest.mark.parametrize("main_thread", ["load()", "threading.Event().wait()"], ids=["works", "waits"])
def test_no_span_that_ended_before_sigterm_is_lost(main_thread: str, delivery: dict[str, str]) -> None:
    source = f"{LOAD}\ntracing(); begin_load(); {main_thread}"
    with FaultSink() as sink, start_app(source, sink.url, **OFTEN, **delivery) as app:
        sink.wait_for_requests(2)
        before = {*app.span_ids}
        ended = app.end(signal.SIGTERM)
        if (
            delivery[GUARANTEE] == AT_LEAST_ONCE
        ):  # a server that is slow for a second gets the rest from the next process
            adopt(sink, before, delivery)

        assert ended.code == -signal.SIGTERM
        assert "Traceback" not in ended.errors
        assert before <= sink.delivered.keys()
        assert max(sink.delivered.values()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGABRT])
def test_no_span_on_disk_is_lost_whatever_the_signal_and_whenever_it_ended(
    number: signal.Signals, durable: dict[str, str]
) -> None:
    source = f"{LOAD}\ntracing(); begin_load(); load()"
    with FaultSink() as sink:
        with start_app(source, sink.url, **OFTEN, **durable) as app:
            sink.wait_for_requests(2)
            ended = app.end(number)
        adopt(sink, ended.span_ids, durable)

        assert ended.code == -number
        if number == signal.SIGTERM:  # that leaves time to hear what the server says to the last request
            assert max(sink.delivered.values()) == 1


OWN_HANDLER = """
def handler(number, frame):
    os.write(2, b"the application's own\\n")
    sys.exit(7)
"""


@pytest.mark.parametrize(
    "order", ["tracing(); signal.signal(15, handler)", "signal.signal(15, handler); tracing()"], ids=["after", "before"]
)
def test_the_applications_own_handler_stays_alone_and_its_exit_delivers(order: str, delivery: dict[str, str]) -> None:
    source = f"{LOAD}\n{OWN_HANDLER}\n{order}; begin_load(); load()"
    with FaultSink() as sink, start_app(source, sink.url, **OFTEN, **delivery) as app:
        sink.wait_for_requests(2)
        before = {*app.span_ids}
        ended = app.end(signal.SIGTERM)

        assert ended.code == 7
        assert ended.errors.count("the application's own") == 1
        assert before <= sink.delivered.keys()


def test_a_handler_that_ignores_sigterm_is_left_as_it_is(delivery: dict[str, str]) -> None:
    source = f"""{LOAD}
signal.signal(signal.SIGTERM, signal.SIG_IGN)
tracing()
end_spans(5)
os.kill(os.getpid(), signal.SIGTERM)
end_spans(5)
"""
    with FaultSink() as sink, start_app(source, sink.url, **delivery) as app:
        ended = app.wait()

        assert ended.code == 0
        assert sink.delivered == dict.fromkeys(ended.span_ids, 1)


@pytest.mark.parametrize("setting", ["made in a thread", "turned off"])
def test_without_a_handler_of_ours_it_ends_at_once_and_only_what_is_on_disk_survives(
    setting: str, durable: dict[str, str]
) -> None:
    off = {"OTEL_EXPORTER_LANGFUSE_DRAIN_ON_SIGTERM": "false"} if setting == "turned off" else {}
    source = f"""{LOAD}
made = threading.Thread(target=tracing)
made.start()
made.join()
begin_load()
load()
"""
    with FaultSink() as sink:
        with start_app(source, sink.url, **OFTEN, **off, **durable) as app:
            sink.wait_for_requests(2)
            ended = app.end(signal.SIGTERM)
        adopt(sink, ended.span_ids, durable)

        assert ended.code == -signal.SIGTERM
        assert ended.errors == ""


def test_a_second_sigterm_ends_a_process_that_waits_for_a_hung_server() -> None:
    with (
        FaultSink(hang) as sink,
        start_app(
            f"{LOAD}\ntracing(); begin_load(); load()",
            sink.url,
            **OFTEN,
            OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT="3600",
        ) as app,
    ):
        sink.wait_for_requests(1)
        app.process.send_signal(signal.SIGTERM)
        while app.process.poll() is None:  # until the second one finds the first one's handler at work
            app.process.send_signal(signal.SIGTERM)

        assert app.wait().code == -signal.SIGTERM


def test_a_hung_server_holds_sigterm_up_no_longer_than_the_budget_and_the_disk_keeps_all(
    delivery: dict[str, str],
) -> None:
    source = f"{LOAD}\ntracing(); end_spans(50); threading.Event().wait()"
    with FaultSink(hang) as sink:
        with start_app(source, sink.url, **OFTEN, **delivery, OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT="1") as app:
            sink.wait_for_requests(1)
            ended = app.end(signal.SIGTERM, timeout_s=30)
        assert ended.code == -signal.SIGTERM
        assert ended.span_ids  # as many as it had ended when the first request came
        if delivery[GUARANTEE] == AT_LEAST_ONCE:
            sink.mode = taken
            adopt(sink, ended.span_ids, delivery)
        else:
            assert f"lost: shutdown={len(ended.span_ids)}" in ended.errors
