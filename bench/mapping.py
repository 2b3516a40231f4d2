"""What it costs to read and encode a span, by convention and wire, against the stock OTLP encoder, which only encodes.

``python -m bench.mapping`` writes ``bench/results/mapping.json`` and its table in ``bench/README.md``. The spans are
those of the recorded corpus (``tests/conventions``) and of the other benchmarks' workload.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

from bench import workload
from bench.readme import write_table
from langfuse_otel.conventions.registry import read
from langfuse_otel.wire.ingestion import IngestionWire
from langfuse_otel.wire.otlp import OtlpWire

HERE = Path(__file__).parent
CORPUS = HERE.parent / "tests" / "conventions"
SPANS, REPETITIONS = 400, 9


class _Collector(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def main() -> None:
    """Measure every corpus, in turns."""
    otlp, ingestion = OtlpWire(), IngestionWire()
    ways: dict[str, Callable[[list[ReadableSpan]], object]] = {
        "stock": lambda spans: encode_spans(spans).SerializeToString(),
        "otlp": lambda spans: otlp.frame([otlp.encode(read(span)) for span in spans]),
        "ingestion": lambda spans: ingestion.frame([ingestion.encode(read(span)) for span in spans]),
    }
    measured: dict[str, dict[str, float]] = {}
    for name, spans in _corpora().items():
        timings: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(REPETITIONS):
            for way, encode in ways.items():
                gc.collect()
                started = time.thread_time()
                encode(spans)
                timings[way].append((time.thread_time() - started) / len(spans) * 1e6)
        measured[name] = {way: statistics.median(seen) for way, seen in timings.items()}
        print(name, {way: round(us, 1) for way, us in measured[name].items()}, flush=True)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "mapping.json").write_text(json.dumps(measured, indent=1))
    write_table("mapping", _table(measured))


def _corpora() -> dict[str, list[ReadableSpan]]:
    """By name so many spans of each, repeated where a recording has fewer."""
    sys.path.insert(0, str(CORPUS))
    from expectation import recorded, recordings

    collector = _Collector()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(collector)
    for _ in range(SPANS):
        workload.emit(provider.get_tracer("bench"))
    corpora = {"workload (3 KB chat)": collector.spans}
    for name in recordings():
        few = recorded(name)
        corpora[name] = (few * (SPANS // len(few) + 1))[:SPANS]
    return corpora


def _table(measured: dict[str, dict[str, float]]) -> str:
    lines = [
        "| spans of | stock encoder µs | ours, OTLP µs (ratio) | ours, ingestion µs (ratio) |",
        "|---|---|---|---|",
    ]
    for name, us in measured.items():
        cells = [f"{us[way]:.0f} ({us[way] / us['stock']:.2f})" for way in ("otlp", "ingestion")]
        lines.append(f"| {name} | {us['stock']:.0f} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
