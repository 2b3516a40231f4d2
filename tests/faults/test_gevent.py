"""gevent, patched before or after we are imported: greenlets run on, and nothing is lost or stuck."""

from __future__ import annotations

import sys

import pytest

from support.app import PRELUDE, App, assert_all_delivered
from support.sink import FaultSink

pytest.importorskip("gevent")

GREENLETS = """
tracing()
import gevent
def handle():
    end_spans(1)
    gevent.sleep(0)
gevent.joinall([gevent.spawn(handle) for _ in range(200)])
assert exporter.force_flush(20_000)
end_spans(5)  # and those at the exit
"""
RUN_ON = """
import gevent
tracing()
end_spans(5)
turns = []
flush = gevent.spawn(exporter.force_flush, 20_000)
def run_on():
    while not flush.ready():
        turns.append(1)
        gevent.sleep(0)
gevent.spawn(run_on).join()
assert flush.value is True
assert len(turns) > 1, turns
"""
PATCH = "from gevent import monkey; monkey.patch_all()\n"


@pytest.mark.parametrize("patched", ["before", "after", "never"])
def test_greenlets_deliver(patched: str, delivery: dict[str, str]) -> None:
    setup = {"before": PATCH + PRELUDE, "after": PRELUDE + PATCH, "never": PRELUDE}[patched]
    with FaultSink() as sink, App([sys.executable, "-c", setup + GREENLETS], sink.url, **delivery) as running:
        app = running.wait()

        assert app.code == 0, app.errors
        assert len(app.span_ids) == 205
        assert_all_delivered(sink, app.span_ids, delivery)
        assert "Traceback" not in app.errors


def test_greenlets_run_on_while_one_waits_for_a_flush_and_the_server_is_slow(delivery: dict[str, str]) -> None:
    """With a hub that is held up, the flush would be over before the others had their turn."""
    source = PATCH + PRELUDE + RUN_ON
    with FaultSink() as sink, App([sys.executable, "-c", source], sink.url, **delivery) as running:
        app = running.wait()

        assert app.code == 0, app.errors
        assert_all_delivered(sink, app.span_ids, delivery)
