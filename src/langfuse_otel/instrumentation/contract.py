"""The contract that every instrumentation package keeps, as a test class to subclass.

    class TestChat(StreamContract):
        instrumentor = MyInstrumentor
        def call(self): return client.chat(...)
        ...

Plain asserts, no test framework: pytest collects the methods by their names.
"""

from __future__ import annotations

import gc
import inspect
import pickle
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.declare import Endpoint
from langfuse_otel.instrumentation.instrumentor import Instrumentor
from langfuse_otel.instrumentation.semconv_checker import metric_violations, violations
from langfuse_otel.instrumentation.suppress import LANGUAGE_MODEL_KEY
from langfuse_otel.instrumentation.wrap import find

_CONTENT = {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.SYSTEM_INSTRUCTIONS, names.TOOL_DEFINITIONS}


class Recording:
    """An in-memory backend: spans and metrics of everything that is instrumented with its providers.

    Args:
        conventions: Whether what was recorded inside ``of`` must keep to the GenAI semantic conventions.
    """

    def __init__(self, *, conventions: bool = True) -> None:
        self._conventions = conventions
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._ended = _Ended()
        self.tracer_provider.add_span_processor(self._ended)
        self.meter_provider = MeterProvider(metric_readers=[self._reader])

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """Ended spans, in the order of their ends."""
        return self._exporter.get_finished_spans()

    def wait_for(self, count: int, timeout_s: float = 10) -> None:
        """Wait until that many spans have ended, for streams that are ended when the collector has found them."""
        assert self._ended.wait_for(count, timeout_s), f"{len(self.spans)} spans after {timeout_s} s"

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
        """Record what ``instrumentor`` traces inside the block. ``options`` go to ``instrument()``.

        Raises:
            AssertionError: At the block's end, when a span or a metric breaks the conventions.
        """
        already = len(self.spans)
        instrumentor.instrument(
            tracer_provider=self.tracer_provider, meter_provider=self.meter_provider, skip_dep_check=True, **options
        )
        try:
            yield self
        finally:
            instrumentor.uninstrument()
        if self._conventions:
            ours = [span for span in self.spans[already:] if _scope(span) == instrumentor.scope]
            self._check(ours, content="mask" not in options)

    def _check(self, spans: Iterable[ReadableSpan], *, content: bool) -> None:
        problems = [problem for span in spans for problem in violations(span, content=content)]
        problems += metric_violations(self._reader.get_metrics_data())
        assert not problems, "\n".join(problems)


def _scope(span: ReadableSpan) -> str | None:
    return span.instrumentation_scope.name if span.instrumentation_scope else None


class _Ended(SpanProcessor):
    """Counts."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def on_end(self, span: ReadableSpan) -> None:
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait_for(self, count: int, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._count >= count, timeout_s)


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

    def test_a_stream_may_be_read_in_another_thread(self) -> None:
        with Recording().of(self.instrumentor()) as recording:
            stream = self.stream()
            reader = threading.Thread(target=lambda: [None for _ in stream])
            reader.start()
            reader.join(10)
            assert recording.span.status.status_code is StatusCode.UNSET

    def test_closing_again_and_dropping_a_drained_stream_change_nothing(self) -> None:
        with Recording().of(self.instrumentor()) as recording:
            stream = self.stream()
            for _ in stream:
                pass
            stream.close()
            stream.close()
            del stream
            gc.collect()
            assert recording.span.status.status_code is StatusCode.UNSET

    def test_leaving_a_with_block_early_ends_the_span_without_error(self) -> None:
        with Recording().of(self.instrumentor()) as recording:
            # Generators have no such block: for them, one that closes them.
            stream = self.stream()
            with closing(stream) if inspect.isgenerator(stream) else stream:
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
            recording.wait_for(1)
            assert recording.span.status.status_code is StatusCode.ERROR
            assert recording.span.status.description == "abandoned stream"
            assert recording.attributes[names.ERROR_TYPE] == names.ERROR_TYPE_OTHER

    def test_a_stream_that_is_never_read_ends_its_span(self) -> None:
        with Recording().of(self.instrumentor()) as recording:
            self.stream()
            gc.collect()
            recording.wait_for(1)
            assert recording.attributes[names.ERROR_TYPE] == names.ERROR_TYPE_OTHER

    def test_the_context_is_not_changed_between_chunks(self) -> None:
        before = otel_context.get_current()
        with Recording().of(self.instrumentor()):
            for _ in self.stream():
                assert otel_context.get_current() == before


class TransparentCallContract(CallContract):
    """Nobody can tell: the same results, methods and requests."""

    @abstractmethod
    def sent(self) -> list[Any]:
        """The requests that the server got until now, without what changes by itself."""

    def test_the_request_is_the_same(self) -> None:
        self.call()
        bare = list(self.sent())
        with Recording().of(self.instrumentor()):
            self.call()
        assert self.sent()[len(bare) :] == bare

    def told(self, result: Any) -> Any:
        """A result or a chunk in a form that can be compared; for override where parts of it change by themselves."""
        return result.model_dump() if hasattr(result, "model_dump") else result

    def test_the_result_says_and_pickles_the_same(self) -> None:
        bare = self.call()
        with Recording().of(self.instrumentor()):
            traced = self.call()
        assert self.told(traced) == self.told(bare)
        assert _pickled(traced, self.told) == _pickled(bare, self.told)

    def test_methods_look_the_same(self) -> None:
        targets = [hook.target for hook in self.instrumentor.hooks]
        bare = [_look(place.found) for target in targets if (place := find(target))]
        with Recording().of(self.instrumentor()):
            traced = [_look(place.found) for target in targets if (place := find(target))]
        assert traced == bare

    def test_readers_that_raise_cost_attributes_only(self) -> None:
        bare = self.call()
        broken = tuple(replace(hook, endpoint=_broken(hook.endpoint)) for hook in self.instrumentor.hooks)
        instrumentor = type("Broken", (self.instrumentor,), {"hooks": broken, "_instance": None})
        with Recording().of(instrumentor()) as recording:
            traced = self.call()
        assert self.told(traced) == self.told(bare)
        assert recording.span.status.status_code is StatusCode.UNSET


class TransparentStreamContract(TransparentCallContract, StreamContract):
    """Nobody can tell while reading either."""

    def test_the_chunks_are_the_same_in_the_same_order(self) -> None:
        bare = [(type(chunk), self.told(chunk)) for chunk in self.stream()]
        with Recording().of(self.instrumentor()):
            traced = [(type(chunk), self.told(chunk)) for chunk in self.stream()]
        assert traced == bare


def _pickled(result: Any, told: Any) -> Any:
    """What comes out of a pickle, or why nothing goes in."""
    try:
        return told(pickle.loads(pickle.dumps(result)))  # noqa: S301  (just made)
    except Exception as error:
        return type(error)


def _look(method: Any) -> Any:
    return inspect.signature(method), inspect.iscoroutinefunction(method), method.__name__, method.__doc__


def _broken(endpoint: Any) -> Any:
    """An endpoint of which every reader raises."""

    def broken(*_: Any) -> Any:
        raise RuntimeError

    if not isinstance(endpoint, Endpoint):
        return lambda *call: None if (chosen := endpoint(*call)) is None else _broken(chosen)
    readers: dict[str, Any] = dict.fromkeys(("identity", "request", "input", "response", "output", "failure"), broken)
    return replace(endpoint, **readers, server=endpoint.server and broken)


def _raised(function: Any) -> BaseException:
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("the call should have failed")
