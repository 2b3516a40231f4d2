"""The conventions' metrics of calls, behind one table of names, so that their announced renaming is one line here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from opentelemetry.context import Context
from opentelemetry.metrics import Histogram, Meter
from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.declare import Attributes
from langfuse_otel.instrumentation.measurements import Measurements

DURATION_BUCKETS_S: Final = tuple(0.01 * 2**step for step in range(14))  # 10 ms to 82 s
AGENT_BUCKETS_S: Final = tuple(0.1 * 2**step for step in range(13))  # 100 ms to 7 minutes
TOKEN_BUCKETS: Final = tuple(4**step for step in range(14))  # 1 to 67 million


class _Metric(NamedTuple):
    name: str
    unit: str
    buckets: tuple[float, ...]
    description: str


DURATION: Final = _Metric("gen_ai.client.operation.duration", "s", DURATION_BUCKETS_S, "Duration of a call.")
TOKEN_USAGE: Final = _Metric("gen_ai.client.token.usage", "{token}", TOKEN_BUCKETS, "Tokens of a call.")
TIME_TO_FIRST_CHUNK: Final = _Metric(
    "gen_ai.client.operation.time_to_first_chunk", "s", DURATION_BUCKETS_S, "From the call to its first content."
)
TIME_PER_OUTPUT_CHUNK: Final = _Metric(
    "gen_ai.client.operation.time_per_output_chunk", "s", DURATION_BUCKETS_S, "Between chunks after the first content."
)
TOOL_DURATION: Final = _Metric("gen_ai.execute_tool.duration", "s", DURATION_BUCKETS_S, "Duration of a tool's run.")
AGENT_DURATION: Final = _Metric("gen_ai.invoke_agent.duration", "s", AGENT_BUCKETS_S, "Duration of an agent's run.")

_DIMENSIONS = (
    names.OPERATION_NAME,
    names.PROVIDER_NAME,
    names.REQUEST_MODEL,
    names.RESPONSE_MODEL,
    names.SERVER_ADDRESS,
    names.SERVER_PORT,
)

_TOKENS = (("input", names.USAGE_INPUT_TOKENS), ("output", names.USAGE_OUTPUT_TOKENS))


class Metrics:
    """The histograms of one instrumentation."""

    def __init__(self, meter: Meter) -> None:
        self._duration = _histogram(meter, DURATION)
        self._tokens = _histogram(meter, TOKEN_USAGE)
        self._first_chunk = _histogram(meter, TIME_TO_FIRST_CHUNK)
        self._output_chunk = _histogram(meter, TIME_PER_OUTPUT_CHUNK)
        self._steps = {
            names.EXECUTE_TOOL: (_histogram(meter, TOOL_DURATION), names.TOOL_NAME),
            names.INVOKE_AGENT: (_histogram(meter, AGENT_DURATION), names.AGENT_NAME),
        }
        self._measurements = Measurements(meter)

    def record(
        self,
        attributes: Attributes,
        span: SpanContext,
        duration_s: float,
        time_to_first_chunk_s: float | None = None,
        times_per_chunk_s: Iterable[float] = (),
    ) -> None:
        """Have one ended call of a model recorded (``measurements``).

        Args:
            attributes: Those of its span; dimensions and tokens are taken from them.
            span: Its span, for exemplars.
            duration_s: From its start to its end.
            time_to_first_chunk_s: For streams with content.
            times_per_chunk_s: For streams, from chunk to chunk after the first content.
        """
        dimensions: dict[str, Any] = {name: attributes[name] for name in _DIMENSIONS if name in attributes}
        tokens = [(kind, attributes.get(name)) for kind, name in _TOKENS]
        error = attributes.get(names.ERROR_TYPE)

        def record() -> None:
            context = _context_of(span)
            for kind, count in tokens:
                if isinstance(count, int) and count >= 0:
                    self._tokens.record(count, {**dimensions, names.TOKEN_TYPE: kind}, context)
            if time_to_first_chunk_s is not None:
                self._first_chunk.record(time_to_first_chunk_s, dimensions, context)
            for gap_s in times_per_chunk_s:
                self._output_chunk.record(gap_s, dimensions, context)
            failed = {} if error is None else {names.ERROR_TYPE: error}
            self._duration.record(duration_s, {**dimensions, **failed}, context)

        self._measurements.put(record)

    def record_step(self, attributes: Attributes, span: SpanContext, duration_s: float) -> None:
        """Have one run of a tool or an agent recorded; other steps have no metric. Arguments as of ``record``."""
        histogram, subject = self._steps.get(str(attributes.get(names.OPERATION_NAME)), (None, ""))
        if histogram is not None:
            dimensions = {name: attributes[name] for name in (subject, names.ERROR_TYPE) if name in attributes}
            self._measurements.put(lambda: histogram.record(duration_s, dimensions, _context_of(span)))


def _context_of(span: SpanContext) -> Context:
    """One in which a span is current: not the span itself, which would keep its content until this is recorded."""
    return set_span_in_context(NonRecordingSpan(span), Context())


def _histogram(meter: Meter, metric: _Metric) -> Histogram:
    return meter.create_histogram(
        metric.name,
        unit=metric.unit,
        description=metric.description,
        explicit_bucket_boundaries_advisory=metric.buckets,
    )
