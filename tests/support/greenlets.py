"""Applications whose threads are greenlets, and a server that is slow until it sees them run."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

from support.app import PRELUDE, App, Ended
from support.sink import FaultSink, Reply, Request, taken

AT_THE_EXIT = 5
ENDED = 1_000 + AT_THE_EXIT
"""Spans that such an application ends; before it patches, if it does so late, come those of ``USED``."""

USED = "tracing()\nend_spans(3)\nexporter.force_flush(20_000)\n"

_WORK = f"""
def tick():
    while True:
        os.write(1, b"turn\\n")
        sleep(0.01)
def handle():
    end_spans(1)
    sleep(0)
spawn(tick)
wait_for([spawn(handle) for _ in range(1_000)])
assert exporter.force_flush(30_000)
end_spans({AT_THE_EXIT})  # and those at the exit
"""
GEVENT = f"""
import gevent
spawn, sleep, wait_for = gevent.spawn, gevent.sleep, gevent.joinall
{_WORK}"""
EVENTLET = f"""
import eventlet
spawn, sleep = eventlet.spawn, eventlet.sleep
def wait_for(greenlets):
    for greenlet in greenlets:
        greenlet.wait()
{_WORK}"""


def run(setup: str, work: str, sink: FaultSink, env: Mapping[str, str]) -> Ended:
    """Run it against a server that answers a request when the greenlets have had two turns since it came.

    Fails when they do not get them in ten seconds: then the request holds up all of them.
    """
    held_up: list[Request] = []
    patience_s = 10.0

    def answer(request: Request) -> Reply:
        turns, until = app.output.count("turn"), time.monotonic() + patience_s
        while turns and app.output.count("turn") < turns + 2 and time.monotonic() < until:
            time.sleep(0.01)
        if time.monotonic() >= until:
            held_up.append(request)
        reply = taken(request)
        assert isinstance(reply, Reply)
        return reply

    sink.mode = answer
    with App([sys.executable, "-c", setup + work], sink.url, **env) as app:
        ended = app.wait(120)
    assert held_up == []
    return ended


def after(patch: str, when: str) -> str:
    """Source that patches, and makes the exporter, in an order: patched ``before`` we are imported, after the
    ``import``, after it was ``made``, or after it was ``used``.
    """
    return {
        "before": patch + PRELUDE + "tracing()\n",
        "import": PRELUDE + patch + "tracing()\n",
        "made": PRELUDE + "tracing()\n" + patch,
        "used": PRELUDE + USED + patch,
    }[when]
