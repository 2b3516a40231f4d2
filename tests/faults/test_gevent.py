"""gevent, patched before or after the exporter was made: greenlets run on, and nothing is lost or stuck."""

from __future__ import annotations

import sys

import pytest

from support.app import AT_LEAST_ONCE, GUARANTEE, PRELUDE, App, assert_all_delivered
from support.greenlets import AT_THE_EXIT, ENDED, GEVENT, after, run
from support.sink import FaultSink, taken

pytest.importorskip("gevent")

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


@pytest.mark.parametrize("patched", ["before", "import", "made", "used"])
def test_a_thousand_greenlets_deliver_and_none_waits_for_the_server(patched: str, delivery: dict[str, str]) -> None:
    with FaultSink() as sink:
        app = run(after(PATCH, patched), GEVENT, sink, delivery)

        assert app.code == 0, app.errors
        assert len(app.span_ids) == ENDED + (3 if patched == "used" else 0)
        sink.mode = taken
        delivered_before_the_exit = app.span_ids[:-AT_THE_EXIT]
        if patched == "used" and sys.version_info >= (3, 12) and delivery[GUARANTEE] != AT_LEAST_ONCE:
            # gevent looks up names in threads, and none begins any more: these are counted, and said.
            assert sink.delivered == dict.fromkeys(delivered_before_the_exit, 1)
            assert f"shutdown={AT_THE_EXIT}" in app.errors
        else:
            assert_all_delivered(sink, app.span_ids, delivery)
        assert "langfuse_otel/" not in app.errors  # gevent's own troubles with a thread that began before are not ours


def test_greenlets_that_were_never_patched_deliver(delivery: dict[str, str]) -> None:
    source = (
        PRELUDE
        + """
import gevent
tracing()
gevent.joinall([gevent.spawn(end_spans, 1) for _ in range(200)])
"""
    )
    with FaultSink() as sink, App([sys.executable, "-c", source], sink.url, **delivery) as running:
        app = running.wait()

        assert app.code == 0, app.errors
        assert len(app.span_ids) == 200
        assert_all_delivered(sink, app.span_ids, delivery)


def test_greenlets_run_on_while_one_waits_for_a_flush_and_the_server_is_slow(delivery: dict[str, str]) -> None:
    """With a hub that is held up, the flush would be over before the others had their turn."""
    source = PATCH + PRELUDE + RUN_ON
    with FaultSink() as sink, App([sys.executable, "-c", source], sink.url, **delivery) as running:
        app = running.wait()

        assert app.code == 0, app.errors
        assert_all_delivered(sink, app.span_ids, delivery)
