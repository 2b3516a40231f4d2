"""The contract that every instrumentation package keeps, as a test class to subclass.

    class TestChat(StreamContract):
        instrumentor = MyInstrumentor
        def call(self): return client.chat(...)
        ...

Plain asserts, no test framework: pytest collects the methods by their names.
"""

from __future__ import annotations

import gc
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.instrumentor import Instrumentor
from langfuse_otel.instrumentation.suppress import LANGUAGE_MODEL_KEY

_CONTENT = {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.SYSTEM_INSTRUCTIONS, names.TOOL_DEFINITIONS}


class Recording:
    """An in-memory backend: spans and metrics of everything that is instrumented with its providers."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meter_provider = MeterProvider(metric_readers=[self._reader])

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """Ended spans, in the order of their ends."""
        return self._exporter.get_finished_spans()

    @property
    def span(self) -> ReadableSpan:
        """The only span."""
        assert len(self.spans) == 1, [span.name for span in self.spans]
        return self.spans[0]

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of the only span."""
        return dict(self.span.attributes or {})

    def metrics(self) -> dict[str, list[Any]]:
        """Data points by metric."""
        data = self._reader.get_metrics_data()
        if data is None:
            return {}
        scopes = (scope for resource in data.resource_metrics for scope in resource.scope_metrics)
        return {metric.name: list(metric.data.data_points) for scope in scopes for metric in scope.metrics}

    @contextmanager
    def of(self, instrumentor: Instrumentor, **options: Any) -> Iterator[Recording]:
        """Record what ``instrumentor`` traces inside the block. ``options`` go to ``instrument()``."""
        instrumentor.instrument(
            tracer_provider=self.tracer_provider, meter_provider=self.meter_provider, skip_dep_check=True, **options
        )
        try:
            yield self
        finally:
            instrumentor.uninstrument()


class CallContract(ABC):
    """What holds for every call."""

    instrumentor: type[Instrumentor]

    @abstractmethod
    def call(self) -> Any:
        """Make a call that succeeds, and return its result."""

    @abstractmethod
    def fail(self) -> Any:
        """Make a call that the client raises for."""

    def test_a_call_is_one_span_with_model_and_provider_and_the_same_result(self) -> None:
        bare = self.call()
        with Recording().of(self.instrumentor()) as recording:
            traced = self.call()
        assert type(traced) is type(bare)
        assert recording.span.status.status_code is StatusCode.UNSET
        for name in (names.OPERATION_NAME, names.PROVIDER_NAME, names.REQUEST_MODEL, names.SERVER_ADDRESS):
            assert recording.attributes[name]

    def test_an_error_reaches_the_application_unchanged_and_marks_the_span(self) -> None:
        bare, traced = _raised(self.fail), None
        with Recording().of(self.instrumentor()) as recording:
            traced = _raised(self.fail)
        assert type(traced) is type(bare)
        assert str(traced) == str(bare)
        assert recording.span.status.status_code is StatusCode.ERROR
        assert recording.attributes[names.ERROR_TYPE] == f"{type(bare).__module__}.{type(bare).__qualname__}"

    def test_without_capture_no_content_is_recorded(self) -> None:
        with Recording().of(self.instrumentor(), capture_content="NO_CONTENT") as recording:
            self.call()
        assert not _CONTENT & recording.attributes.keys()
        assert names.REQUEST_MODEL in recording.attributes

    def test_the_mask_decides_what_is_recorded(self) -> None:
        with Recording().of(self.instrumentor(), mask=lambda _: "masked") as recording:
            self.call()
        recorded = [recording.attributes[name] for name in _CONTENT & recording.attributes.keys()]
        assert recorded
        assert set(recorded) == {'"masked"'}

    def test_a_mask_that_raises_records_a_note_and_no_content(self) -> None:
        def broken(_: Any) -> Any:
            raise RuntimeError

        with Recording().of(self.instrumentor(), mask=broken) as recording:
            self.call()
        for name in _CONTENT & recording.attributes.keys():
            assert "not recorded" in recording.attributes[name]

    def test_a_call_inside_a_traced_one_is_silent(self) -> None:
        with Recording().of(self.instrumentor()) as recording:
            for key in (LANGUAGE_MODEL_KEY, "suppress_instrumentation"):
                token = otel_context.attach(otel_context.set_value(key, True))
                try:
                    self.call()
                finally:
                    otel_context.detach(token)
        assert recording.spans == ()

    def test_uninstrumented_nothing_is_recorded(self) -> None:
        with Recording().of(self.instrumentor()) as recording:
            pass
        self.call()
        assert recording.spans == ()

    def test_the_context_is_what_it_was(self) -> None:
        before = otel_context.get_current()
        with Recording().of(self.instrumentor()):
            self.call()
            _raised(self.fail)
        assert otel_context.get_current() == before


class StreamContract(CallContract):
    """What holds for every stream besides; the stream must have more than one chunk."""

    @abstractmethod
    def stream(self) -> Any:
        """Start a stream that is read with ``for``."""

    def test_a_drained_stream_is_one_span_with_its_usage_and_time_to_first_chunk(self) -> None:
        with Recording().of(self.instrumentor()) as recording:
            chunks = list(self.stream())
        assert len(chunks) > 1
        assert recording.span.status.status_code is StatusCode.UNSET
        assert recording.attributes[names.RESPONSE_TIME_TO_FIRST_CHUNK] > 0
        assert recording.attributes[names.OUTPUT_MESSAGES]

    def test_a_stream_keeps_its_class(self) -> None:
        bare = self.stream()
        with Recording().of(self.instrumentor()):
            traced = self.stream()
            assert isinstance(traced, type(bare))
            assert len(list(traced)) == len(list(bare))

    def test_leaving_a_with_block_early_ends_the_span_without_error(self) -> None:
        with Recording().of(self.instrumentor()) as recording:
            with self.stream() as stream:
                next(iter(stream))
            assert recording.span.status.status_code is StatusCode.UNSET

    def test_closing_early_ends_the_span_without_error(self) -> None:
        with Recording().of(self.instrumentor()) as recording:
            stream = self.stream()
            next(iter(stream))
            stream.close()
            assert recording.span.status.status_code is StatusCode.UNSET

    def test_a_dropped_stream_ends_its_span_as_an_error(self) -> None:
        with Recording().of(self.instrumentor()) as recording:
            stream = self.stream()
            next(iter(stream))
            del stream
            gc.collect()
            assert recording.span.status.status_code is StatusCode.ERROR
            assert recording.span.status.description == "abandoned stream"
            assert recording.attributes[names.ERROR_TYPE] == names.ERROR_TYPE_OTHER

    def test_a_stream_that_is_never_read_ends_its_span(self) -> None:
        with Recording().of(self.instrumentor()) as recording:
            self.stream()
            gc.collect()
            assert recording.attributes[names.ERROR_TYPE] == names.ERROR_TYPE_OTHER

    def test_the_context_is_not_changed_between_chunks(self) -> None:
        before = otel_context.get_current()
        with Recording().of(self.instrumentor()):
            for _ in self.stream():
                assert otel_context.get_current() == before


def _raised(function: Any) -> BaseException:
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("the call should have failed")
