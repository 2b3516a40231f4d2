"""The whole product, killed at random points under load: every accepted span arrives, none as two.

``LANGFUSE_TEST_KILLS=200`` for a longer run; ``LANGFUSE_TEST_SEED`` for another one.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from support.app import App
from support.sink import FaultSink, Mode, Request, Reset, hang, reset, status, taken

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX locks")

_KILLS = int(os.environ.get("LANGFUSE_TEST_KILLS", "10"))
_SEED = int(os.environ.get("LANGFUSE_TEST_SEED", "1"))
_THREADS, _LEDGER_BYTES = "4", str(8 * 100_000)

# What is stored to a shared mapping is the system's at once: no kill takes it back. Each thread has a ledger, and what
# was accepted is written down before ``on_end`` returns to the code that ended the span.
_APPLICATION = """
import mmap, os, sys, threading, time
from opentelemetry.sdk.trace import TracerProvider
from langfuse_otel.exporter import LangfuseSpanExporter
from langfuse_otel.processor import LangfuseSpanProcessor
from langfuse_otel.tally import Cause

ledgers, size = threading.local(), int(sys.argv[2])
open(sys.argv[1], "wb").close()  # from now on it may be killed

class WritingDown(LangfuseSpanExporter):
    def accept(self, span):
        cause = super().accept(span)
        if cause is Cause.ACCEPTED:
            at = ledgers.at
            ledgers.map[at : at + 8] = span.context.span_id.to_bytes(8, "big")
            ledgers.at = at + 8
        return cause

provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(LangfuseSpanProcessor(WritingDown()))
tracer = provider.get_tracer("app")

def work(thread):
    path = f"{sys.argv[1]}-{thread}"
    with open(path, "wb") as file:
        file.truncate(size)
    with open(path, "r+b") as file:
        ledgers.map, ledgers.at = mmap.mmap(file.fileno(), size), 0
    while ledgers.at < size:
        tracer.start_span("s", attributes={"input": "x" * 1_000}).end()
        time.sleep(0.001)

for thread in range(int(sys.argv[3])):
    threading.Thread(target=work, args=(thread,), daemon=True).start()
threading.Event().wait()
"""


def written_down(directory: Path) -> set[str]:
    """The spans in all ledgers."""
    return {span_id for path in directory.glob("ledger-*") for span_id in _span_ids(path.read_bytes())}


def _span_ids(ledger: bytes) -> Iterator[str]:
    for at in range(0, len(ledger), 8):
        span_id = ledger[at : at + 8]
        if not any(span_id):
            return
        yield span_id.hex()


def traces_of(requests: Sequence[Request]) -> dict[str, set[str]]:
    """The traces that each span was sent as a part of."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for request in requests:
        try:
            resources = json.loads(request.body)["resourceSpans"]
        except ValueError:
            continue  # the kill cut it short
        for span in (span for resource in resources for scope in resource["scopeSpans"] for span in scope["spans"]):
            found[span["spanId"]].add(span["traceId"])
    return found


def stored_but_reset(request: Request) -> Reset:
    """The server has the spans, and nobody gets to know."""
    return Reset(stored=True)


_MODES: tuple[Mode, ...] = (taken, taken, taken, stored_but_reset, status(503), reset, hang)


def test_every_accepted_span_arrives_whenever_the_process_is_killed(tmp_path: Path) -> None:
    draw = random.Random(_SEED)
    pause = threading.Event()
    with FaultSink() as sink:
        env = {
            "OTEL_EXPORTER_LANGFUSE_DELIVERY": "at_least_once",
            "OTEL_EXPORTER_LANGFUSE_SPOOL_DIRECTORY": str(tmp_path / "spool"),
            "LANGFUSE_FLUSH_INTERVAL": "0.05",
            "OTEL_EXPORTER_LANGFUSE_RETRY_INITIAL": "0.05",
        }
        for n in range(_KILLS):
            sink.mode = draw.choice(_MODES)
            ledger = tmp_path / f"ledger-{n}"
            with App(
                [sys.executable, "-c", _APPLICATION, str(ledger), _LEDGER_BYTES, _THREADS], sink.url, **env
            ) as app:
                while not ledger.exists():
                    assert app.process.poll() is None, app.errors
                    pause.wait(0.005)
                pause.wait(draw.uniform(0.0, 0.8))  # and is killed at the end of the block

        sink.mode = taken
        send = ["-m", "langfuse_otel", "spool", "send", "--timeout", "120"]
        with App([sys.executable, *send], sink.url, **env) as sending:
            ended = sending.wait(130)

        accepted = written_down(tmp_path)
        assert ended.code == 0, ended.errors
        assert len(accepted) > _KILLS * 10, "hardly any load"
        missing = accepted - sink.delivered.keys()
        assert not missing, f"{len(missing)} of {len(accepted)} accepted spans are lost"
        assert list((tmp_path / "spool").rglob("*damaged*")) == [], "a kill is no damage"
        twice = [span_id for span_id, traces in traces_of(sink.requests).items() if len(traces) > 1]
        assert twice == [], "sent again, a span has to be the same one in Langfuse, which goes by trace and span id"
