"""More than fits, while the server takes nothing: memory stays within its setting, and the log is short.

``LANGFUSE_TEST_LARGE_SPANS=4000`` for a longer run, with the default limit of 64 MiB and a gigabyte in one span.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter

import pytest

from langfuse_otel.exporter import LangfuseSpanExporter
from support.app import run_app
from support.sink import FaultSink, hang, status, taken
from support.spans import finished

_SPANS = int(os.environ.get("LANGFUSE_TEST_LARGE_SPANS", "300"))
_GIANT_CHARACTERS = 1_000_000_000 if _SPANS > 1_000 else 200_000_000
_LIMIT_MIB = 64 if _SPANS > 1_000 else 16

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@linux
def test_spans_of_a_megabyte_take_no_more_memory_than_the_setting_says() -> None:
    """Or a fifth more: what is under way is there as text and as bytes."""
    source = f"""
import json, resource
tracing()
text = os.urandom(500_000).hex()
end_spans(1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for n in range({_SPANS}):
    tracer.start_span("s", attributes={{"langfuse.observation.input": str(n) + text}}).end()
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({{"grown_mib": (after - before) / 1024, "counts": dict(exporter.status().counts)}}), file=sys.stderr)
os._exit(0)
"""
    with FaultSink(hang) as sink:
        app = run_app(source, sink.url, OTEL_EXPORTER_LANGFUSE_MAX_QUEUE_BYTES=str(_LIMIT_MIB * 1024 * 1024))
    told = json.loads(app.errors.splitlines()[-1])

    assert told["counts"]["accepted"] + told["counts"]["queue_full"] == _SPANS + 1
    assert told["grown_mib"] < _LIMIT_MIB * 1.2, told


@linux
def test_a_span_of_a_gigabyte_arrives_cut_without_a_copy_and_without_holding_up_its_caller(
    delivery: dict[str, str],
) -> None:
    """Whether it is measured when it ends, or later."""
    source = f"""
import json, resource, time
tracing()
end_spans(1)
exporter.force_flush(20_000)
text = "x" * {_GIANT_CHARACTERS}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
took_s = []
for _ in range(20):
    span = tracer.start_span("s", attributes={{"langfuse.observation.input": text}})
    began = time.thread_time()
    span.end()
    took_s.append(time.thread_time() - began)
    exporter.force_flush(20_000)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
told = {{"took_s": max(took_s), "grown_mib": (after - before) / 1024, "counts": dict(exporter.status().counts)}}
print(json.dumps(told), file=sys.stderr)
os._exit(0)
"""
    with FaultSink() as sink:
        app = run_app(source, sink.url, **delivery)
        assert app.code == 0, app.errors
        body = sink.requests[-1].body.decode()
    told = json.loads(app.errors.splitlines()[-1])

    assert f"xxx… [truncated: {_GIANT_CHARACTERS:,} characters]" in body
    assert told["counts"] == {"accepted": 21, "delivered": 21, "truncated": 20}
    assert told["took_s"] < 0.02
    assert told["grown_mib"] < 40


@linux
def test_a_span_for_which_memory_does_not_suffice_is_counted_and_the_others_arrive() -> None:
    """msgspec's own encoder would end the process."""
    source = """
import json, resource
tracing()
end_spans(1)
exporter.force_flush(20_000)
tracer.start_span("s", attributes={"langfuse.observation.input": "x\\n" * 25_000_000}).end()
soft, hard = resource.getrlimit(resource.RLIMIT_AS)
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize(), hard))
exporter.force_flush(20_000)
resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
end_spans(1)
exporter.force_flush(20_000)
print(json.dumps(exporter.status().counts), file=sys.stderr)
os._exit(0)
"""
    with FaultSink() as sink:
        app = run_app(source, sink.url)
        assert app.code == 0, app.errors
        assert {*app.span_ids} <= sink.delivered.keys()
    counts = json.loads(app.errors.splitlines()[-1])
    assert counts["accepted"] == counts["delivered"] + counts["malformed"] == 3
    assert "MemoryError" in app.errors


def test_an_outage_with_a_full_queue_is_a_line_for_each_cause_and_not_for_each_span() -> None:
    source = """
import logging
logging.basicConfig(level="INFO", format="LINE %(name)s %(message)s")
tracing()
for _ in range(20):
    end_spans(100)
    exporter.force_flush(20)
os._exit(0)
"""
    with FaultSink(status(503)) as sink:
        app = run_app(
            source,
            sink.url,
            OTEL_EXPORTER_LANGFUSE_MAX_QUEUE_SPANS="50",
            OTEL_EXPORTER_LANGFUSE_RETRY_INITIAL="0.001",
            OTEL_EXPORTER_LANGFUSE_RETRY_MAX="0.01",
            OTEL_EXPORTER_LANGFUSE_BREAKER_OPEN="0.01",
        )
        assert len(sink.requests) > 5, "hardly an outage"
    lines = [line for line in app.errors.splitlines() if "langfuse_otel" in line]
    kinds = Counter(re.sub(r"\d+", "n", line) for line in lines)

    assert len(app.span_ids) == 2_000
    assert {*kinds.values()} == {1}, kinds
    assert len(lines) <= 6, lines


def test_an_outage_is_not_amplified() -> None:
    """Ten processes' worth of exporters ask as often as their breakers let them, and then deliver all."""
    with FaultSink(status(503)) as sink:
        exporters = [
            LangfuseSpanExporter(
                public_key="pk-lf-1",
                secret_key="sk-lf-1",
                base_url=sink.url,
                wire="otlp",
                retry_initial_s=0.001,
                retry_max_s=0.01,
                breaker_failures=3,
                breaker_open_s=3600.0,
                release=str(number),  # each has a pipeline of its own
            )
            for number in range(10)
        ]
        for exporter in exporters:
            exporter.export(finished(600))  # more than one batch
        for exporter in exporters:
            assert not exporter.force_flush(500)
        asked = len(sink.requests)
        sink.mode = taken
        for exporter in exporters:
            exporter.reset_breaker()
            assert exporter.force_flush(20_000)
            exporter.shutdown()

        assert asked <= 10 * 3
        assert len(sink.requests) <= asked + 10 * 2 * 1.1
        assert len(sink.delivered) == 6_000
