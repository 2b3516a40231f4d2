"""Forks: each process sends its own spans, each once, and none hangs."""

from __future__ import annotations

import multiprocessing
import textwrap
from pathlib import Path

import pytest

from support.app import AT_LEAST_ONCE, GUARANTEE, adopt, assert_all_delivered, run_app
from support.sink import FaultSink

pytestmark = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")


def test_parent_and_children_deliver_their_own_spans_once(delivery: dict[str, str]) -> None:
    with FaultSink() as sink:
        app = run_app(
            """
            import os
            tracing()
            end_spans(20)  # these wait in the parent at the time of the forks
            for _ in range(4):
                if os.fork() == 0:
                    end_spans(50)
                    sys.exit()
            for _ in range(4):
                os.wait()
            end_spans(5)
            """,
            sink.url,
            **delivery,
        )

        assert len(app.span_ids) == 225
        assert_all_delivered(sink, app.span_ids, delivery)


def test_a_storm_of_forks_under_load_hangs_nowhere_and_loses_nothing(delivery: dict[str, str]) -> None:
    with FaultSink() as sink:
        app = run_app(
            """
            import threading, time
            tracing()
            stop = threading.Event()
            def load():
                while not stop.wait(0.001):
                    end_spans(1)
            threads = [threading.Thread(target=load) for _ in range(8)]
            for thread in threads:
                thread.start()
            for _ in range(50):
                child = os.fork()
                if child == 0:
                    assert threading.active_count() == 1  # ours begins with the first span
                    end_spans(1)
                    os._exit(0 if exporter.force_flush(20_000) else 1)
                assert os.waitpid(child, 0)[1] == 0
            stop.set()
            for thread in threads:
                thread.join()
            """,
            sink.url,
            **delivery,
            timeout_s=100,
        )

        assert app.code == 0, app.errors
        assert_all_delivered(sink, app.span_ids, delivery)


def test_a_child_of_a_child_delivers_too(delivery: dict[str, str]) -> None:
    with FaultSink() as sink:
        app = run_app(
            """
            import os
            tracing()
            end_spans(1)
            if os.fork() == 0:
                end_spans(1)
                if os.fork() == 0:
                    end_spans(1)
                    sys.exit()
                os.wait()
                sys.exit()
            os.wait()
            """,
            sink.url,
            **delivery,
        )

        assert len(app.span_ids) == 3
        assert_all_delivered(sink, app.span_ids, delivery)


WHEREVER = {
    "by a daemon that forks twice": """
        end_spans(2)
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.setsid()
            if os.fork():
                os._exit(0)
            end_spans(2)
            exporter.force_flush(20_000)
            os.close(writer)
            os._exit(0)
        os.close(writer)
        os.wait()
        os.read(reader, 1)  # until the daemon has ended
    """,
    "in a thread": """
        def work():
            if os.fork() == 0:
                end_spans(2)
                os._exit(0 if exporter.force_flush(20_000) else 1)
            assert os.wait()[1] == 0
        thread = threading.Thread(target=work)
        thread.start()
        end_spans(50)
        thread.join()
    """,
    "in a hook of another fork": """
        again = True
        def fork_again():
            global again
            if again:
                again = False
                child = os.fork()
                if child == 0:
                    end_spans(1)
                    os._exit(0 if exporter.force_flush(20_000) else 1)
                os.waitpid(child, 0)
        os.register_at_fork(after_in_parent=fork_again)
        if os.fork() == 0:
            end_spans(1)
            os._exit(0 if exporter.force_flush(20_000) else 1)
        os.wait()
        end_spans(1)
    """,
    "while a span ends": """
        from opentelemetry.sdk.trace import SpanProcessor
        class ForkingProcessor(SpanProcessor):
            def on_end(self, span):
                if span.name == "forks" and os.fork() == 0:
                    end_spans(1)
                    os._exit(0 if exporter.force_flush(20_000) else 1)
        provider.add_span_processor(ForkingProcessor())
        for _ in range(5):
            with tracer.start_as_current_span("forks"):
                end_spans(1)
            os.wait()
    """,
}


@pytest.mark.parametrize("source", WHEREVER.values(), ids=WHEREVER.keys())
def test_a_fork_may_be_anywhere(source: str, delivery: dict[str, str]) -> None:
    with FaultSink() as sink:
        app = run_app(f"import threading\ntracing()\n{textwrap.dedent(source)}", sink.url, **delivery)

        assert app.code == 0, app.errors
        assert app.errors == ""
        assert app.span_ids
        if delivery[GUARANTEE] == AT_LEAST_ONCE and {*app.span_ids} - sink.delivered.keys():
            adopt(sink, app.span_ids, delivery)
        assert {*app.span_ids} <= sink.delivered.keys()
        assert max(sink.delivered.values()) == 1


CHILD = """
from opentelemetry.sdk.trace import TracerProvider
from langfuse_otel.exporter import LangfuseSpanExporter
from langfuse_otel.processor import LangfuseSpanProcessor

def work():
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(LangfuseSpanProcessor(LangfuseSpanExporter()))
    for _ in range(10):
        span = provider.get_tracer("child").start_span("s")
        span.end()
        line = format(span.get_span_context().span_id, "016x") + chr(10)
        print(line, end="", flush=True)  # in one write: the children share a pipe
"""


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_children_of_multiprocessing_deliver_at_their_end(method: str, tmp_path: Path) -> None:
    """They leave by ``os._exit``, without the hooks of ``atexit``."""
    (tmp_path / "child_of_test.py").write_text(CHILD)
    with FaultSink() as sink:
        app = run_app(
            f"""
            import multiprocessing
            sys.path.insert(0, {str(tmp_path)!r})
            import child_of_test
            context = multiprocessing.get_context({method!r})
            children = [context.Process(target=child_of_test.work) for _ in range(2)]
            for child in children:
                child.start()
            for child in children:
                child.join()
                assert child.exitcode == 0
            """,
            sink.url,
        )

        assert app.code == 0, app.errors
        assert len(app.span_ids) == 20
        assert sink.delivered == dict.fromkeys(app.span_ids, 1)


def test_a_child_started_by_multiprocessing_with_the_parents_tracing_delivers_at_its_end() -> None:
    with FaultSink() as sink:
        app = run_app(
            """
            import multiprocessing
            tracing()
            end_spans(3)
            child = multiprocessing.get_context("fork").Process(target=end_spans, args=(10,))
            child.start()
            child.join()
            """,
            sink.url,
        )

        assert len(app.span_ids) == 13
        assert sink.delivered == dict.fromkeys(app.span_ids, 1)
