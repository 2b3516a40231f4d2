"""How each peer is set up, with its defaults: what a user gets who follows its quick start."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

from opentelemetry.sdk.trace import TracerProvider

from bench import workload

PEERS = ("none", "otel", "otel-gzip", "langfuse", "ours", "ours-gzip", "ours-durable")
TITLES = {
    "none": "SDK alone, no processor",
    "otel": "BatchSpanProcessor + OTLP/HTTP",
    "otel-gzip": "the same, gzip",
    "langfuse": "Langfuse SDK",
    "ours": "langfuse-otel",
    "ours-gzip": "the same, `LANGFUSE_OTEL_COMPRESSION=gzip`",
    "ours-durable": "the same, `delivery=at_least_once`",
}


@dataclass
class Peer:
    """One way to send: ``emit`` makes and ends one span, ``flush`` returns when all are delivered."""

    emit: Callable[[], object]
    flush: Callable[[], object]
    provider: TracerProvider


def set_up(name: str, base_url: str, max_queue_spans: int = 50_000) -> Peer:
    """The peer, pointed at the sink; ``max_queue_spans`` is for ours, the others read OTEL_BSP_MAX_QUEUE_SIZE."""
    provider = TracerProvider()
    if name.startswith("otel"):
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        compression = Compression.Gzip if name == "otel-gzip" else Compression.NoCompression
        exporter = OTLPSpanExporter(f"{base_url}/api/public/otel/v1/traces", compression=compression)
        provider.add_span_processor(BatchSpanProcessor(exporter))
    elif name == "langfuse":
        return _langfuse(base_url, provider)
    elif name.startswith("ours"):
        from langfuse_otel import LangfuseSpanExporter, LangfuseSpanProcessor

        ours = LangfuseSpanExporter(
            public_key="pk-lf-b",
            secret_key="sk-lf-b",
            base_url=base_url,
            compression="gzip" if name == "ours-gzip" else "none",
            delivery="at_least_once" if name == "ours-durable" else "best_effort",
            spool_directory=tempfile.mkdtemp() if name == "ours-durable" else None,
            max_queue_spans=max_queue_spans,
            max_queue_bytes=max_queue_spans * 10_000,
        )
        provider.add_span_processor(LangfuseSpanProcessor(ours))
    tracer = provider.get_tracer("bench")
    return Peer(lambda: workload.emit(tracer), provider.force_flush, provider)


def _langfuse(base_url: str, provider: TracerProvider) -> Peer:
    """Through its own API, which is how its users make generations."""
    from langfuse import Langfuse, propagate_attributes

    client = Langfuse(public_key="pk-lf-b", secret_key="sk-lf-b", base_url=base_url, tracer_provider=provider)
    block = propagate_attributes(user_id="user-1", session_id="session-1", tags=["bench", "chat"])
    block.__enter__()
    metadata = {
        key: value for key, value in workload.ATTRIBUTES.items() if key.startswith(("server", "gen_ai.response"))
    }
    parameters = {"temperature": 0.2, "max_tokens": 512, "top_p": 1.0}
    usage = {"input": 384, "output": 256, "input_cached_tokens": 128}

    def emit() -> None:
        call = next(workload.CALLS)
        messages = [{"role": "system", "content": call.system}, {"role": "user", "content": call.question}]
        with client.start_as_current_observation(name="chat gpt-4o-mini", as_type="generation") as generation:
            generation.update(
                model="gpt-4o-mini-2024-07-18",
                model_parameters=parameters,
                input=messages,
                output={"role": "assistant", "content": call.answer},
                usage_details=usage,
                metadata=json.loads(json.dumps(metadata)),
            )

    return Peer(emit, client.flush, provider)
