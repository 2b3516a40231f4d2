"""What instrumentations add to a call of the ``openai`` client, and to a stream of 50 chunks, in the thread that calls.

``python -m bench.instrumentations`` installs ours and the peers into a folder of their own (needs PyPI), runs them in
turns, each in a fresh process, and writes ``bench/results/instrumentations.json`` and the table of ``bench/README.md``.
A process measures the bare client, instruments it, and measures again; the answers come from inside the process
(``chat_stream.py``). All record content, and none has an exporter in the calling thread.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import thread_time
from typing import Any

ROOT = Path(__file__).parent.parent
TURNS, BLOCKS = int(os.environ.get("BENCH_REPETITIONS", "5")), 40
REQUIREMENTS = (
    "openai==3.52.0",
    *(f"-e{ROOT}", f"-e{ROOT}/instrumentations/openai"),
    "opentelemetry-instrumentation-openai==0.62.4",
    "openinference-instrumentation-openai==0.1.66",
    "opentelemetry-instrumentation-genai-openai==1.3b0",
    "langfuse==5.0.4",
)
TITLES = {
    "ours": "langfuse-otel-openai",
    "official": "opentelemetry-instrumentation-genai-openai 1.3b0",
    "openllmetry": "OpenLLMetry 0.62.4",
    "openinference": "OpenInference 0.1.66",
    "langfuse": "Langfuse SDK 5.0.4, drop-in client",
}


def instrument(peer: str) -> None:
    """As its quick start says, with content, and spans that end in memory."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

    spans, meters = TracerProvider(), MeterProvider()
    spans.add_span_processor(SpanProcessor())
    if peer == "ours":
        from langfuse_otel_openai import OpenAIInstrumentor

        OpenAIInstrumentor().instrument(tracer_provider=spans, meter_provider=meters)
    elif peer == "official":
        from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor as Official

        os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "SPAN_ONLY"
        Official().instrument(tracer_provider=spans, meter_provider=meters)
    elif peer == "openllmetry":
        from opentelemetry.instrumentation.openai import OpenAIInstrumentor as OpenLLMetry

        OpenLLMetry().instrument(tracer_provider=spans, meter_provider=meters)
    elif peer == "openinference":
        from openinference.instrumentation.openai import OpenAIInstrumentor as OpenInference

        OpenInference().instrument(tracer_provider=spans)
    else:
        import langfuse.openai
        from langfuse import Langfuse

        # Its exporter runs in another thread, whose time is not counted, and finds nobody at this address.
        Langfuse(public_key="pk-lf-b", secret_key="sk-lf-b", base_url="http://127.0.0.1:9", tracer_provider=spans)
        assert langfuse.openai


def measure(peer: str) -> dict[str, float]:
    """µs of thread CPU a call and a stream, bare and with the peer."""
    import openai

    from bench import chat_stream

    client = openai.OpenAI(**chat_stream.options(openai.DefaultHttpxClient))

    def call() -> None:
        client.chat.completions.create(**chat_stream.CALL)

    def stream() -> None:
        for _ in client.chat.completions.create(**chat_stream.REQUEST):
            pass

    measured = {"bare_call_us": _best_us(call, 20), "bare_stream_us": _best_us(stream, 5)}
    instrument(peer)
    return {**measured, "call_us": _best_us(call, 20), "stream_us": _best_us(stream, 5)}


def _best_us(work: Callable[[], None], times: int) -> float:
    """Of the quietest of many short blocks: what other processes do to this one is no cost of the peer's."""
    timings = []
    for _ in range(BLOCKS):
        gc.collect()
        started = thread_time()
        for _ in range(times):
            work()
        timings.append((thread_time() - started) / times * 1e6)
    return min(timings)


def main() -> None:
    """In turns (A B C A B C), so that a noisy minute hits all of them."""
    runs: dict[str, list[dict[str, float]]] = {peer: [] for peer in TITLES}
    with tempfile.TemporaryDirectory() as folder:
        python = os.environ.get("BENCH_PYTHON") or _installed(Path(folder))
        for turn in range(TURNS):
            for peer, seen in runs.items():
                seen.append(_run(python, peer))
                print(f"{turn + 1}/{TURNS} {peer}: {seen[-1]}", flush=True)
    from bench.readme import write_table

    (ROOT / "bench/results/instrumentations.json").write_text(json.dumps(runs, indent=1))
    write_table("instrumentations", _table(runs))


def _installed(folder: Path) -> str:
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "uv", "venv", "-q", str(folder)], check=True)
    subprocess.run([sys.executable, "-m", "uv", "pip", "install", "-q", "--python", python, *REQUIREMENTS], check=True)
    return str(python)


def _run(python: str, peer: str) -> dict[str, Any]:
    done = subprocess.run(
        [python, "-m", "bench.instrumentations", peer], check=True, capture_output=True, text=True, cwd=ROOT
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _table(runs: dict[str, list[dict[str, float]]]) -> str:
    def added(seen: list[dict[str, float]], what: str) -> float:
        return min(run[f"{what}_us"] for run in seen) - min(run[f"bare_{what}_us"] for run in seen)

    bare = [run for seen in runs.values() for run in seen]
    call, stream = (min(run[f"bare_{what}_us"] for run in bare) for what in ("call", "stream"))
    lines = [
        f"openai 3.52.0; the bare client takes {call:.0f} µs a call and {stream:.0f} µs a stream; best of "
        f"{len(runs['ours'])} turns of {BLOCKS} blocks.",
        "",
        "| | added to a call, µs | added to a stream of 50 chunks, µs |",
        "|---|---|---|",
    ]
    lines += [
        f"| {TITLES[peer]} | {added(seen, 'call'):.0f} | {added(seen, 'stream'):.0f} |" for peer, seen in runs.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        main()
