"""Spans that are open when a process ends: sent as unfinished where that is asked for, else counted and said."""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

import pytest

from support.app import AT_LEAST_ONCE, GUARANTEE, adopt, run_app, start_app
from support.sink import FaultSink, Request

SEND = {"LANGFUSE_UNFINISHED_SPANS": "true"}
NESTED = """
import signal, threading, time
tracing(shutdown_on_exit=False)
def nested():
    with tracer.start_as_current_span("outer", attributes={"langfuse.observation.input": "asked"}) as outer:
        with tracer.start_as_current_span("inner") as inner:
            for span in (outer, inner):
                os.write(1, b"%016x\\n" % span.get_span_context().span_id)
            end_spans(3)
            REST
"""


def sent(requests: list[Request]) -> dict[str, list[dict[str, Any]]]:
    """The spans as they were sent, by name, in their order; ``attributes`` by key."""
    found: dict[str, list[dict[str, Any]]] = {}
    for request in requests:
        for resource in json.loads(request.body)["resourceSpans"]:
            for span in (span for scope in resource["scopeSpans"] for span in scope["spans"]):
                values = {entry["key"]: entry["value"].get("stringValue") for entry in span["attributes"]}
                found.setdefault(span["name"], []).append({**span, "attributes": values})
    return found


needs_sigterm = pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM there")


@needs_sigterm
def test_spans_that_are_open_at_sigterm_are_sent_as_unfinished(delivery: dict[str, str]) -> None:
    source = NESTED.replace("REST", "threading.Event().wait()") + "\nnested()"
    with FaultSink() as sink:
        with start_app(source, sink.url, **SEND, **delivery) as app:
            app.wait_for(lambda: len(app.span_ids) == 5)
            ended = app.end(signal.SIGTERM)
        if delivery[GUARANTEE] == AT_LEAST_ONCE:
            adopt(sink, ended.span_ids, delivery)

        assert ended.code == -signal.SIGTERM
        assert ended.errors == ""
        assert {*ended.span_ids} <= sink.delivered.keys()
        spans = sent(sink.requests)
        for name in ("outer", "inner"):
            (span,) = spans[name]
            assert span["attributes"]["langfuse.observation.level"] == "WARNING"
            assert "unfinished" in span["attributes"]["langfuse.observation.status_message"]
            assert json.loads(span["attributes"]["langfuse.observation.metadata"])["unfinished"] is True
        assert spans["outer"][0]["attributes"]["langfuse.observation.input"] == "asked"
        assert "langfuse.observation.level" not in spans["s"][0]["attributes"]


@needs_sigterm
def test_spans_that_are_open_in_other_threads_are_sent_too_and_each_once() -> None:
    source = f"""{NESTED.replace("REST", "threading.Event().wait()")}
for _ in range(4):
    threading.Thread(target=nested, daemon=True).start()
threading.Event().wait()
"""
    with FaultSink() as sink, start_app(source, sink.url, **SEND) as app:
        app.wait_for(lambda: len(app.span_ids) == 4 * 5)
        ended = app.end(signal.SIGTERM)

        assert sink.delivered == dict.fromkeys(ended.span_ids, 1)


@pytest.mark.parametrize("drain", ["", "provider.shutdown()"])
def test_spans_that_are_open_at_the_exit_are_sent_as_unfinished(drain: str) -> None:
    source = f"tracing(shutdown_on_exit=False)\nspan = tracer.start_span('open')\nend_spans(3)\n{drain}"
    with FaultSink() as sink:
        app = run_app(source, sink.url, **SEND)

        assert app.errors == ""
        assert sink.delivered.keys() > {*app.span_ids}
        assert len(sent(sink.requests)["open"]) == 1


def test_a_span_that_ends_in_the_programs_own_exit_hook_is_finished() -> None:
    source = """
import atexit
tracing(shutdown_on_exit=False)
span = tracer.start_span("open")
atexit.register(span.end)
"""
    with FaultSink() as sink:
        app = run_app(source, sink.url, **SEND)

        (span,) = sent(sink.requests)["open"]
        assert app.errors == ""
        assert "langfuse.observation.level" not in span["attributes"]


@needs_sigterm
@pytest.mark.parametrize("end", ["SIGTERM", "exit"])
def test_by_default_they_are_counted_and_the_log_says_how_many(end: str) -> None:
    source = "import threading\ntracing()\nspans = [tracer.start_span('open') for _ in range(3)]\nend_spans(1)\n"
    with FaultSink() as sink, start_app(source + ("threading.Event().wait()" * (end == "SIGTERM")), sink.url) as app:
        app.wait_for(lambda: len(app.span_ids) == 1)
        ended = app.end(signal.SIGTERM) if end == "SIGTERM" else app.wait()

        assert sink.delivered == dict.fromkeys(ended.span_ids, 1)
        assert "3 spans had not ended" in ended.errors
        assert len(ended.errors.splitlines()) == 1


@needs_sigterm
def test_a_signal_that_comes_while_the_main_thread_changes_a_span_does_not_hang() -> None:
    """It may hold a lock of that span's, which is not re-entrant: what can be read is sent, within a bounded time."""
    source = """
import signal, threading
tracing()
span = tracer.start_span("busy")
end_spans(1)
while True:
    for number in range(100):
        span.add_event("e", {"n": number})
        span.set_attribute("n", number)
"""
    with FaultSink() as sink:
        for _ in range(5):
            with start_app(source, sink.url, **SEND) as app:
                app.wait_for(lambda app=app: len(app.span_ids) == 1)  # type: ignore[misc]
                ended = app.end(signal.SIGTERM, timeout_s=30)

            assert ended.code == -signal.SIGTERM
            assert {*ended.span_ids} <= sink.delivered.keys()
