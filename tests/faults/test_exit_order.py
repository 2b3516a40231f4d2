"""Exit hooks of the application's before and after ours, an executor that is still at work, logging that is gone: the
program ends, and what ends in any of them is delivered.

``LANGFUSE_TEST_EXITS=1000`` for a longer run.
"""

from __future__ import annotations

import os

import pytest

from support.app import run_app
from support.sink import FaultSink, hang

_RUNS = int(os.environ.get("LANGFUSE_TEST_EXITS", "10"))

_PROGRAM = """
import atexit, logging, threading
from concurrent.futures import ThreadPoolExecutor

logging.basicConfig(level="DEBUG", filename=os.devnull)
atexit.register(lambda: end_spans(1))  # runs after what is registered later
tracing(shutdown_on_exit=False)
atexit.register(lambda: end_spans(2))
pool = ThreadPoolExecutor(4)
for _ in range(8):
    pool.submit(end_spans, 5)  # the interpreter waits for these before its hooks
def without_logging():
    logging.shutdown()
    end_spans(3)
    logging.getLogger("langfuse_otel").warning("nobody hears this")
atexit.register(without_logging)
atexit.register(pool.shutdown)
threading.Thread(target=end_spans, args=(4,)).start()
"""
_SPANS = 1 + 2 + 8 * 5 + 3 + 4


def test_a_program_with_exit_hooks_and_an_executor_ends_and_all_its_spans_are_delivered() -> None:
    with FaultSink() as sink:
        for _ in range(_RUNS):
            sink.delivered.clear()
            app = run_app(_PROGRAM, sink.url)  # fails when it does not end

            assert (app.code, app.errors) == (0, "")
            assert len(app.span_ids) == _SPANS
            assert sink.delivered == dict.fromkeys(app.span_ids, 1)


@pytest.mark.parametrize("order", ["hook first", "tracing first"])
def test_a_provider_that_shuts_itself_down_at_the_exit_leaves_the_hooks_after_it_their_spans(
    order: str, delivery: dict[str, str]
) -> None:
    """As the SDK makes it by default; whatever is registered first, runs last."""
    register = "span = None\nimport atexit\natexit.register(lambda: (span.end(), end_spans(5)))"
    make = "tracing()"
    lines = [register, make] if order == "hook first" else [make, register]
    source = "\n".join([*lines, "span = tracer.start_span('open')", "end_spans(5)"])
    with FaultSink() as sink:
        app = run_app(source, sink.url, **delivery)

        assert (app.code, app.errors) == (0, "")
        assert len(app.span_ids) == 10
        sink.wait_for({*app.span_ids})
        assert len(sink.delivered) == 11  # and the one that was open until then


def test_such_hooks_do_not_get_a_second_time_to_wait_for_a_server_that_hangs() -> None:
    source = """
import atexit
atexit.register(lambda: end_spans(5))
tracing()
end_spans(5)
"""
    with FaultSink(hang) as sink:
        app = run_app(source, sink.url, OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT="1")

    assert "lost: shutdown=10" in app.errors
