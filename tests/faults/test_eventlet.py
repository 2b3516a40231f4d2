"""eventlet, patched before threads of ours run: greenlets run on, and nothing is lost or stuck."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from support.app import App, assert_all_delivered
from support.greenlets import ENDED, EVENTLET, after, run
from support.sink import FaultSink

pytestmark = pytest.mark.skipif(importlib.util.find_spec("eventlet") is None, reason="needs eventlet")

PATCH = "import eventlet; eventlet.monkey_patch()\n"
_SHORT = {"OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT": "1"}


@pytest.mark.parametrize("patched", ["before", "import"])
def test_a_thousand_greenlets_deliver_and_none_waits_for_the_server(patched: str, delivery: dict[str, str]) -> None:
    with FaultSink() as sink:
        app = run(after(PATCH, patched), EVENTLET, sink, delivery)

        assert app.code == 0, app.errors
        assert len(app.span_ids) == ENDED
        assert_all_delivered(sink, app.span_ids, delivery)
        assert "Traceback" not in app.errors


def test_patched_too_late_it_is_said_and_the_program_ends() -> None:
    source = after(PATCH, "used") + "end_spans(1)\nexporter.force_flush(500)\n"
    with FaultSink() as sink, App([sys.executable, "-c", source], sink.url, **_SHORT) as running:
        app = running.wait()

        assert app.code == 0, app.errors
        assert "eventlet.monkey_patch() was called after Langfuse's exporter had begun" in app.errors
