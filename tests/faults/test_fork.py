"""Forks: each process sends its own spans, each once, and none hangs."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from support.app import run_app
from support.sink import FaultSink

pytestmark = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")


def test_parent_and_children_deliver_their_own_spans_once() -> None:
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
        )

        assert len(app.span_ids) == 225
        assert sink.delivered == dict.fromkeys(app.span_ids, 1)


def test_a_storm_of_forks_under_load_hangs_nowhere_and_loses_nothing() -> None:
    with FaultSink() as sink:
        app = run_app(
            """
            import os, threading
            tracing()
            stop = threading.Event()
            ended = []
            def load():
                while not stop.wait(0.0005):
                    span = tracer.start_span("s")
                    span.end()
                    ended.append(span.get_span_context().span_id)
            threads = [threading.Thread(target=load) for _ in range(4)]
            for thread in threads:
                thread.start()
            for _ in range(50):
                child = os.fork()
                if child == 0:
                    span = tracer.start_span("child")
                    span.end()
                    os.write(1, b"%016x\\n" % span.get_span_context().span_id)
                    os._exit(0 if exporter.force_flush(20_000) else 1)
                assert os.waitpid(child, 0)[1] == 0
            stop.set()
            for thread in threads:
                thread.join()
            for id in ended:
                print(format(id, "016x"))
            """,
            sink.url,
            timeout_s=100,
        )

        assert app.code == 0, app.errors
        assert sink.delivered == dict.fromkeys(app.span_ids, 1)


def test_a_child_of_a_child_delivers_too() -> None:
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
        )

        assert len(app.span_ids) == 3
        assert sink.delivered == dict.fromkeys(app.span_ids, 1)


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
