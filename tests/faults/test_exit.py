"""How a program ends must neither lose its spans nor take long."""

from __future__ import annotations

import pytest

from support.app import adopt, assert_all_delivered, run_app
from support.sink import FaultSink, Mode, drip, hang, status, taken

ENDINGS = {
    "returns": "",
    "sys.exit": "sys.exit(3)",
    "sys.exit in a thread": "import threading; threading.Thread(target=lambda: sys.exit(3)).start()",
    "Ctrl-C": "import signal; signal.raise_signal(signal.SIGINT)",
    "raises": "raise ValueError('the application ends here')",
    "shuts down": "provider.shutdown()",
    "shuts down twice": "provider.shutdown(); exporter.shutdown()",
    "flushes": "exporter.force_flush(20_000)",
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
def test_every_span_is_delivered_once_however_the_program_ends(ending: str, delivery: dict[str, str]) -> None:
    with FaultSink() as sink:
        app = run_app(f"tracing()\nend_spans(600)\n{ending}", sink.url, **delivery)

        assert len(app.span_ids) == 600
        assert_all_delivered(sink, app.span_ids, delivery)
        assert "Exception ignored" not in app.errors
        assert "langfuse_otel" not in app.errors


def test_what_is_on_disk_outlives_a_process_that_leaves_without_a_word(durable: dict[str, str]) -> None:
    with FaultSink() as sink:
        app = run_app("tracing()\nend_spans(600)\nos._exit(0)", sink.url, **durable)
        adopt(sink, app.span_ids, durable)

        assert len(app.span_ids) == 600
        assert app.errors == ""


def test_a_program_that_traces_nothing_ends_in_silence(delivery: dict[str, str]) -> None:
    with FaultSink() as sink:
        app = run_app("tracing()", sink.url, **delivery)

        assert (app.code, app.errors, sink.requests) == (0, "", [])


def test_the_process_drains_although_nobody_shuts_the_provider_down() -> None:
    with FaultSink() as sink:
        app = run_app("tracing(shutdown_on_exit=False)\nend_spans(10)", sink.url)

        assert sink.delivered.keys() == {*app.span_ids}
        assert app.errors == ""


def test_spans_that_end_in_the_programs_own_exit_hook_are_delivered() -> None:
    with FaultSink() as sink:
        app = run_app(
            """
            import atexit
            tracing(shutdown_on_exit=False)
            atexit.register(lambda: end_spans(5))  # the first spans of all: no thread can be started any more
            """,
            sink.url,
        )

        assert len(app.span_ids) == 5
        assert sink.delivered.keys() == {*app.span_ids}
        assert app.errors == ""


def test_spans_of_a_program_that_waits_for_its_threads_are_delivered() -> None:
    with FaultSink() as sink:
        app = run_app(
            """
            import threading, time
            tracing()
            def late():
                time.sleep(0.2)
                end_spans(5)
            threading.Thread(target=late).start()
            """,
            sink.url,
        )

        assert len(app.span_ids) == 5
        assert sink.delivered.keys() == {*app.span_ids}


@pytest.mark.parametrize("mode", [hang, drip, status(503), status(503, Retry_After="100"), status(401)])
@pytest.mark.parametrize("drain", ["", "provider.shutdown()"])
def test_a_server_that_takes_nothing_holds_the_exit_up_no_longer_than_the_budget(mode: object, drain: str) -> None:
    """Without a budget these would wait for ever, and the run would time out."""
    with FaultSink(mode) as sink:  # type: ignore[arg-type]
        app = run_app(
            f"tracing()\nend_spans(5)\n{drain}", sink.url, OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT="0.5", timeout_s=30
        )

        assert app.code == 0
        assert "lost: shutdown=5" in app.errors
        assert "Traceback" not in app.errors


def test_a_server_that_is_not_there_holds_the_exit_up_no_longer_than_the_budget() -> None:
    with FaultSink() as sink:
        url = sink.url
    app = run_app("tracing()\nend_spans(5)", url, OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT="0.5", timeout_s=30)

    assert app.code == 0
    assert "lost: shutdown=5" in app.errors


@pytest.mark.parametrize(
    "mode", [hang, drip, status(503), status(401), None], ids=["hangs", "drips", "503", "401", "refuses"]
)
def test_with_spans_on_disk_the_exit_does_not_wait_for_a_server_that_takes_nothing(
    mode: Mode | None, durable: dict[str, str]
) -> None:
    """It waits as long as something is delivered; with the whole budget, this run would time out."""
    with FaultSink(mode or hang) as sink:
        if mode is None:
            sink.close()
        app = run_app(
            "import logging\nlogging.basicConfig(level='INFO')\ntracing()\nend_spans(2_000)",
            sink.url,
            OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT="3600",
            **durable,
        )
    assert app.code == 0
    assert "lost: none, on disk for the next process: 2000" in app.errors
    with FaultSink(port=sink.port) as recovered:
        adopt(recovered, app.span_ids, durable)


def test_two_pipelines_share_the_time_and_a_hung_server_costs_the_other_nothing() -> None:
    with FaultSink() as sink, FaultSink(hang) as hung:
        app = run_app(
            f"""
            tracing(shutdown_on_exit=False)
            provider.add_span_processor(LangfuseSpanProcessor(LangfuseSpanExporter(base_url={hung.url!r})))
            end_spans(5)
            """,
            sink.url,
            OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT="1",
        )

        assert sink.delivered.keys() == {*app.span_ids}


def test_ctrl_c_while_the_exit_waits_ends_it_at_once() -> None:
    with FaultSink(hang) as sink:
        app = run_app(
            """
            import atexit, os, signal, threading
            tracing(shutdown_on_exit=False)
            end_spans(5)
            atexit.register(lambda: signal.setitimer(signal.ITIMER_REAL, 0.3))
            signal.signal(signal.SIGALRM, signal.default_int_handler)
            """,
            sink.url,
            OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT="3600",
        )

        assert "lost: shutdown=5" in app.errors
        assert "Traceback" not in app.errors


def test_without_keys_the_program_runs_and_is_told_what_to_set() -> None:
    with FaultSink() as sink:
        app = run_app("tracing()\nend_spans(5)", sink.url, LANGFUSE_SECRET_KEY="")

        assert app.code == 0
        assert len(app.errors.splitlines()) == 1
        assert "LANGFUSE_SECRET_KEY" in app.errors
        assert sink.requests == []


def test_a_short_program_is_delivered_every_time() -> None:
    with FaultSink(taken) as sink:
        span_ids = [span_id for _ in range(5) for span_id in run_app("tracing()\nend_spans(1)", sink.url).span_ids]

        assert len(span_ids) == 5
        assert sink.delivered == dict.fromkeys(span_ids, 1)
