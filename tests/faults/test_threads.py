"""Threads: many that emit while the exporter ends, none that can be started, and none that are left over."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from langfuse_otel.exporter import LangfuseSpanExporter
from langfuse_otel.tally import Cause
from support.app import GUARANTEE, SPOOL, adopt, assert_all_delivered, run_app
from support.sink import FaultSink, Mode, hang, status, taken
from support.spans import finished, span_id

MakeExporter = Callable[[FaultSink], LangfuseSpanExporter]


@pytest.fixture
def make_exporter(delivery: dict[str, str]) -> MakeExporter:
    return lambda sink: LangfuseSpanExporter(
        public_key="pk-lf-1",
        secret_key="sk-lf-1",
        base_url=sink.url,
        delivery=delivery[GUARANTEE],
        spool_directory=delivery[SPOOL],
    )


def test_each_span_that_ends_while_the_exporter_does_is_delivered_or_counted(
    make_exporter: MakeExporter, delivery: dict[str, str]
) -> None:
    spans = [finished(40) for _ in range(50)]
    causes: dict[str, Cause] = {}
    ready, go = threading.Barrier(51), threading.Event()
    with FaultSink() as sink:
        exporter = make_exporter(sink)

        def emit(number: int) -> None:
            ready.wait()
            for span in spans[number]:
                causes[span_id(span)] = exporter.accept(span)
                if number == 0 and len(causes) > 500:
                    go.set()

        threads = [threading.Thread(target=emit, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        ready.wait()
        go.wait(1)
        exporter.shutdown()
        for thread in threads:
            thread.join()

        counts = exporter.status().counts
        accepted = {span_id for span_id, cause in causes.items() if cause is Cause.ACCEPTED}
        assert len(causes) == 2_000
        assert counts.get("accepted", 0) == len(accepted)
        assert counts.get("delivered", 0) == len(sink.delivered)
        assert {*causes.values()} <= {Cause.ACCEPTED, Cause.SHUTDOWN}
        if accepted - sink.delivered.keys():
            adopt(sink, accepted, delivery)  # accepted on disk in the last moment
        assert max(sink.delivered.values(), default=1) == 1


class TestShutdown:
    """However often, and from wherever, it is called: it ends, and what comes later is counted and raises nothing."""

    def test_by_two_threads_at_once(self, make_exporter: MakeExporter) -> None:
        spans = finished(100)
        with FaultSink() as sink:
            exporter = make_exporter(sink)
            exporter.export(spans)
            threads = [threading.Thread(target=exporter.shutdown) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
                assert not thread.is_alive()
            exporter.shutdown()

            assert sink.delivered == dict.fromkeys(map(span_id, spans), 1)
            assert exporter.accept(finished()[0]) is Cause.SHUTDOWN
            assert exporter.status().counts["shutdown"] == 1

    def test_on_the_exporters_own_thread(self, delivery: dict[str, str]) -> None:
        ended = threading.Event()

        def end(error: object) -> None:
            exporter.shutdown(100)
            ended.set()

        with FaultSink(status(400)) as sink:
            exporter = LangfuseSpanExporter(
                public_key="pk-lf-1",
                secret_key="sk-lf-1",
                base_url=sink.url,
                delivery=delivery[GUARANTEE],
                spool_directory=delivery[SPOOL],
                on_error=end,
                flush_interval_s=0.01,
            )
            exporter.export(finished())

            assert ended.wait(30)

    def test_while_the_server_hangs_by_many_threads(self, make_exporter: MakeExporter) -> None:
        with FaultSink(hang) as sink:
            exporter = make_exporter(sink)
            exporter.export(finished())
            threads = [threading.Thread(target=exporter.shutdown, args=(200,)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
                assert not thread.is_alive()

    def test_then_another_exporter_works(self, make_exporter: MakeExporter) -> None:
        with FaultSink() as sink:
            make_exporter(sink).shutdown()
            spans = finished(5)
            exporter = make_exporter(sink)
            exporter.export(spans)
            exporter.shutdown()

            assert sink.delivered == dict.fromkeys(map(span_id, spans), 1)


def test_a_flush_keeps_its_time_with_a_hung_server_and_loses_nothing(make_exporter: MakeExporter) -> None:
    spans = finished(50)
    with FaultSink(hang) as sink:
        exporter = make_exporter(sink)
        exporter.export(spans)

        assert exporter.force_flush(200) is False

        assert exporter.status().pending_spans == 50
        assert not set(exporter.status().counts) & {"shutdown", "queue_full", "refused"}
        exporter.shutdown(0)


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_NPROC does not bind root: a thread's start is made to fail")
def test_where_no_thread_can_be_started_flush_and_exit_deliver(delivery: dict[str, str]) -> None:
    with FaultSink() as sink:
        app = run_app(
            """
            import _thread, threading
            tracing()
            def refuse(*args, **kwargs):
                raise RuntimeError("can't start new thread")
            threading._start_new_thread = _thread.start_new_thread = refuse
            if hasattr(threading, "_start_joinable_thread"):
                threading._start_joinable_thread = refuse
            end_spans(20)
            assert exporter.force_flush(20_000)
            end_spans(20)
            """,
            sink.url,
            **delivery,
        )

        assert app.code == 0, app.errors
        assert "Traceback" not in app.errors
        assert len(app.span_ids) == 40
        assert_all_delivered(sink, app.span_ids, delivery)


def test_daemon_threads_that_still_emit_do_not_disturb_the_exit(delivery: dict[str, str]) -> None:
    with FaultSink() as sink:
        app = run_app(
            """
            import threading, time
            def load():
                while True:
                    tracer.start_span("of a daemon").end()
                    time.sleep(0.001)
            tracing(shutdown_on_exit=False)
            for _ in range(8):
                threading.Thread(target=load, daemon=True).start()
            end_spans(100)
            """,
            sink.url,
            **delivery,
        )

        assert app.code == 0
        assert "Traceback" not in app.errors
        assert "Fatal" not in app.errors
        assert {*app.span_ids} <= sink.delivered.keys()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files in /proc")
@pytest.mark.parametrize("use", ["", "use()", "use(); exporter.shutdown()"], ids=["unused", "forgotten", "shut down"])
def test_exporters_made_one_after_the_other_leave_no_thread_and_no_file_behind(
    use: str, delivery: dict[str, str]
) -> None:
    with FaultSink() as sink:
        app = run_app(
            f"""
            import gc, threading
            def use():
                end_spans(1)
                exporter.force_flush(20_000)
            def cycles(count):
                for _ in range(count):
                    tracing(shutdown_on_exit=False)
                    {use}
                gc.collect()
                for thread in threading.enumerate():  # those that end now
                    if thread.daemon:
                        thread.join(0.5)
                return threading.active_count(), len(os.listdir("/proc/self/fd"))
            threads, files = cycles(2)
            now_threads, now_files = cycles(50)
            assert now_threads - threads <= 1, (threads, now_threads)
            assert now_files - files <= 3, (files, now_files)
            """,
            sink.url,
            **delivery,
        )

        assert app.code == 0, app.errors
        assert_all_delivered(sink, app.span_ids, delivery)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files in /proc")
@pytest.mark.parametrize("mode", [taken, hang, status(503)], ids=["well", "hung", "failing"])
def test_exporters_made_for_each_request_share_a_thread_and_a_connection(mode: Mode) -> None:
    """Whether the application drops them, keeps them or shuts them down."""
    with FaultSink(mode) as sink:
        app = run_app(
            """
            import threading
            def memory_mib():
                return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20
            def request():
                tracing(shutdown_on_exit=False)
                tracer.start_span("s").end()
            request()
            kept, before_mib, most_threads, most_files = [], memory_mib(), 0, 0
            for n in range(1_000):
                request()
                if n % 10 == 0:
                    kept.append(provider)
                most_threads = max(most_threads, threading.active_count())
                most_files = max(most_files, len(os.listdir("/proc/self/fd")))
            assert most_threads <= 3, most_threads
            assert most_files <= 8, most_files
            grown_mib = memory_mib() - before_mib
            assert grown_mib <= 5, grown_mib
            kept.pop(0).shutdown()
            tracer.start_span("s").end()
            assert exporter.status().counts["accepted"] == 1_002
            """,
            sink.url,
            OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT="1",
        )

        assert app.code == 0, app.errors
        assert len(sink.delivered) == (1_002 if mode is taken else 0)
