"""Thousands of streams, a third of them abandoned, and of instrumentings: nothing may stay behind.

``python -m bench.instrument_soak`` runs 10,000 calls and 1,000 cycles; ``--calls`` and ``--cycles`` set other numbers.
It prints what it found as JSON, and exits with 1 if anything stayed.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

import openai
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider

from bench import chat_stream
from langfuse_otel.instrumentation.instrumentor import Instrumentor
from langfuse_otel.instrumentation.measurements import record_all
from langfuse_otel.instrumentation.wrap import Replacement, find

MAX_OBJECTS_A_CALL = 0.1  # a leak is at least one; imports and caches of the first calls are a few hundred in all
INSTRUMENTORS = {
    "openai": "OpenAIInstrumentor",
    "anthropic": "AnthropicInstrumentor",
    "google_genai": "GoogleGenAIInstrumentor",
    "bedrock": "BedrockInstrumentor",
    "langchain": "LangChainInstrumentor",
}


class OpenSpans(SpanProcessor):
    """Counts."""

    def __init__(self) -> None:
        self.started, self.ended = 0, 0
        self._changed = threading.Condition()

    def on_start(self, span: Span, parent_context: Any = None) -> None:
        with self._changed:
            self.started += 1

    def on_end(self, span: ReadableSpan) -> None:
        with self._changed:
            self.ended += 1
            self._changed.notify_all()

    def open_after(self, timeout_s: float = 10) -> int:
        """How many are open once the collector's finds were ended, which a thread of its own does."""
        with self._changed:
            self._changed.wait_for(lambda: self.ended == self.started, timeout_s)
            return self.started - self.ended


def soak(calls: int) -> dict[str, Any]:
    """Half of the calls sync, half async; every third is read to its end, closed early, or abandoned."""
    spans, provider = OpenSpans(), TracerProvider()
    provider.add_span_processor(spans)
    instrumentor = _instrumentor("openai")
    instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)
    try:
        _calls(calls // 3)  # until the allocator has what it wants to keep
        before, memory_before = _objects(), _memory_kib()
        _calls(calls)
        objects, memory_kib = _objects() - before, _memory_kib() - memory_before
        open_spans = spans.open_after()
    finally:
        instrumentor.uninstrument()
    return {"spans": spans.ended, "open_spans": open_spans, "objects": objects, "memory_kib": memory_kib}


def cycles(count: int) -> dict[str, Any]:
    """Instrument and un-instrument all clients, and look for what is not as it was."""
    instrumentors = [_instrumentor(name) for name in INSTRUMENTORS]
    targets = [target for each in instrumentors for target in _targets(each)]
    for each in instrumentors:
        import_module(str(each.client))  # else nothing is patched
    _cycle(instrumentors)  # imports of our own
    found = {target: vars(place.owner).get(place.name) for target in targets if (place := find(target))}
    before = _objects()
    for _ in range(count):
        _cycle(instrumentors)
    objects = _objects() - before
    changed = [
        target
        for target, was in found.items()
        if (place := find(target)) and vars(place.owner).get(place.name) is not was
    ]
    wrappers = sum(isinstance(each, Replacement) for each in gc.get_objects())
    return {"targets": len(found), "changed": changed, "wrappers": wrappers, "objects": objects}


def _calls(count: int) -> None:
    with openai.OpenAI(**chat_stream.options(openai.DefaultHttpxClient)) as client:
        for number in range(count // 2):
            stream = client.chat.completions.create(**chat_stream.REQUEST)
            if number % 3 == 0:
                for _ in stream:
                    pass
            elif number % 3 == 1:
                next(stream)
                stream.close()
            elif number % 2:
                next(stream)
                cycle: list[Any] = [stream]
                cycle.append(cycle)  # for the collector; the others go when the name is taken by the next
    asyncio.run(_async_calls(count - count // 2))


async def _async_calls(count: int) -> None:
    async with openai.AsyncOpenAI(**chat_stream.options(openai.DefaultAsyncHttpxClient)) as client:
        for number in range(count):
            stream = await client.chat.completions.create(**chat_stream.REQUEST)
            if number % 3 == 0:
                async for _ in stream:
                    pass
            elif number % 3 == 1:
                await anext(stream)
                await stream.close()
            elif number % 2:
                await anext(stream)


def _cycle(instrumentors: list[Instrumentor]) -> None:
    for instrumentor in instrumentors:
        instrumentor.instrument(skip_dep_check=True)
    for instrumentor in instrumentors:
        instrumentor.uninstrument()


def _instrumentor(name: str) -> Instrumentor:
    made: Instrumentor = getattr(import_module(f"langfuse_otel_{name}"), INSTRUMENTORS[name])()
    return made


def _targets(instrumentor: Instrumentor) -> list[str]:
    return [*(hook.target for hook in instrumentor.hooks), *instrumentor.requests, *instrumentor.self_traced]


def _objects() -> int:
    record_all()
    for _ in range(3):
        gc.collect()
    return len(gc.get_objects())


def _memory_kib() -> int:
    with Path("/proc/self/status").open() as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--cycles", type=int, default=1_000)
    asked = parser.parse_args()
    streams, instrumentings = soak(asked.calls), cycles(asked.cycles)
    print(json.dumps({"streams": streams, "cycles": instrumentings}))
    is_clean = (
        streams["open_spans"] == 0
        and streams["objects"] < MAX_OBJECTS_A_CALL * asked.calls + 100
        and not instrumentings["changed"]
        and instrumentings["wrappers"] == 0
        and instrumentings["objects"] < MAX_OBJECTS_A_CALL * asked.cycles + 100
    )
    sys.exit(0 if is_clean else 1)


if __name__ == "__main__":
    main()
