"""Other ways to run Python: warnings as errors, optimised, in a sub-interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support.app import PRELUDE, App, assert_all_delivered
from support.sink import FaultSink

# pydantic, protobuf and others deprecate things of their own; an application that turns all into errors could not
# import those, so this is about our modules.
OPTIONS = {
    "-W error": ["-W", "error::DeprecationWarning:langfuse_otel", "-W", "error::ResourceWarning"],
    "-O": ["-O"],
    "-OO": ["-OO"],
    "-X dev": ["-X", "dev"],
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_spans_are_delivered_and_nothing_is_said(options: list[str], delivery: dict[str, str]) -> None:
    with (
        FaultSink() as sink,
        App([sys.executable, *options, "-c", f"{PRELUDE}\ntracing()\nend_spans(5)"], sink.url, **delivery) as app,
    ):
        ended = app.wait()

        assert (ended.code, ended.errors) == (0, "")
        assert_all_delivered(sink, ended.span_ids, delivery)


def test_warnings_as_errors_from_the_first_import_on_stop_nothing_of_ours() -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import langfuse_otel"], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


SUB_INTERPRETER = """
try:
    import _xxsubinterpreters as interpreters
except ImportError:
    import _interpreters as interpreters
end = "tracing()\\nend_spans(5)\\nprovider.shutdown()"
interpreter = interpreters.create()
try:
    failure = interpreters.run_string(interpreter, {source!r})
except Exception as error:
    failure = error
if failure is not None:
    sys.stderr.write(str(getattr(failure, "formatted", failure)) + chr(10))
"""


@pytest.mark.skipif(sys.version_info < (3, 10), reason="no sub-interpreters from Python there")
def test_a_sub_interpreter_either_delivers_or_says_why_not_and_harms_nobody(delivery: dict[str, str]) -> None:
    inner = f"{PRELUDE}\ntracing()\nend_spans(5)\nprovider.shutdown()"
    source = f"{PRELUDE}\ntracing()\nend_spans(5)\n{SUB_INTERPRETER.format(source=inner)}"
    with FaultSink() as sink, App([sys.executable, "-c", source], sink.url, **delivery) as app:
        ended = app.wait()

        assert ended.code == 0, ended.errors
        assert len(ended.span_ids) in (5, 10)
        if len(ended.span_ids) == 5:  # msgspec, a library in C, cannot be loaded a second time
            assert "msgspec" in ended.errors or "subinterpreters" in ended.errors, ended.errors
        assert_all_delivered(sink, ended.span_ids, delivery)
