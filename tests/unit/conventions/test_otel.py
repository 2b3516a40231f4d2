"""What a span says of itself, whatever its attributes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, Status, StatusCode, TraceFlags

from langfuse_otel.conventions import registry
from langfuse_otel.observation import Observation

Observe = Callable[..., Observation]


def child_of(*, is_remote: bool) -> Context:
    parent = SpanContext(1, 2, is_remote, TraceFlags(TraceFlags.SAMPLED))
    return trace.set_span_in_context(NonRecordingSpan(parent))


def test_ids_are_lower_case_hex_of_full_length(observe: Observe) -> None:
    observation = observe({}, context=child_of(is_remote=False))

    assert observation.trace_id == "1".zfill(32)
    assert observation.parent_span_id == "2".zfill(16)


def test_the_topmost_span_of_the_application_is_its_root(observe: Observe) -> None:
    assert observe({}).is_app_root
    assert observe({}, context=child_of(is_remote=True)).is_app_root
    assert not observe({}, context=child_of(is_remote=False)).is_app_root


def test_whether_it_is_the_root_can_be_said_explicitly(observe: Observe) -> None:
    assert not observe({"langfuse.internal.is_app_root": False}).is_app_root
    assert observe({"langfuse.internal.is_app_root": "true"}, context=child_of(is_remote=False)).is_app_root


def test_an_error_status_is_the_level_and_the_message(observe: Observe) -> None:
    observation = observe({}, during=lambda span: span.set_status(Status(StatusCode.ERROR, "no route")))

    assert (observation.level, observation.status_message) == ("ERROR", "no route")


def test_an_exception_is_an_error_with_its_message_and_stays_readable(observe: Observe) -> None:
    observation = observe({}, during=lambda span: span.record_exception(ValueError("bad date")))

    assert (observation.level, observation.status_message) == ("ERROR", "ValueError: bad date")
    (event,) = observation.metadata["otel.events"]
    assert "bad date" in event["attributes"]["exception.stacktrace"]


def test_an_exception_that_was_handled_is_none(observe: Observe) -> None:
    def handle(span: Span) -> None:
        span.record_exception(ValueError("retried"))
        span.set_status(Status(StatusCode.OK))

    assert observe({}, during=handle).level == "DEFAULT"


def test_an_error_without_any_words_says_its_type(observe: Observe) -> None:
    observation = observe({"error.type": "timeout"}, during=lambda span: span.set_status(StatusCode.ERROR))

    assert observation.status_message == "timeout"
    assert observation.metadata == {"error.type": "timeout"}


def test_an_explicit_level_and_message_win(observe: Observe) -> None:
    observation = observe(
        {"langfuse.observation.level": "WARNING", "langfuse.observation.status_message": "slow"},
        during=lambda span: span.record_exception(ValueError("x")),
    )

    assert (observation.level, observation.status_message) == ("WARNING", "slow")


def test_the_words_of_an_error_stay_when_its_level_is_lowered(observe: Observe) -> None:
    observation = observe(
        {"langfuse.observation.level": "WARNING"},
        during=lambda span: span.set_status(Status(StatusCode.ERROR, "no route")),
    )

    assert (observation.level, observation.status_message) == ("WARNING", "no route")


def test_events_and_links_are_kept_because_langfuse_stores_neither(observe: Observe) -> None:
    def during(span: Span) -> None:
        span.add_event("cache miss", {"key": b"\xff"}, timestamp=5)
        span.add_link(SpanContext(10, 11, False), {"why": "batch"})

    metadata = observe({}, during=during).metadata

    assert metadata["otel.events"] == [{"name": "cache miss", "time_unix_nano": 5, "attributes": {"key": "/w=="}}]
    assert metadata["otel.links"] == [
        {"trace_id": "a".zfill(32), "span_id": "b".zfill(16), "attributes": {"why": "batch"}}
    ]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(10, 20, (10, 20)), (20, 10, (20, 20)), (10, None, (10, 10)), (None, 10, (10, 10)), (-5, 10, (0, 10))],
)
def test_times_are_clamped_so_that_the_end_is_never_before_the_start(
    start: int | None, end: int | None, expected: tuple[int, int]
) -> None:
    observation = registry.read(ReadableSpan("x", start_time=start, end_time=end))

    assert (observation.start_ns, observation.end_ns) == expected


def test_a_time_that_was_clamped_stays_visible() -> None:
    metadata = registry.read(ReadableSpan("x", start_time=20, end_time=10)).metadata

    assert metadata == {"otel.end_time_unix_nano": "10"}


def test_a_span_without_times_is_now() -> None:
    observation = registry.read(ReadableSpan("x"))

    assert observation.start_ns == observation.end_ns > 1_700_000_000 * 10**9
