"""The checker finds what the conventions forbid, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import SpanKind, Status, StatusCode

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import semconv
from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.instrumentation.semconv_checker import metric_violations, violations

CHAT: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "m",
    "gen_ai.request.temperature": 0.5,
    "gen_ai.request.max_tokens": 10,
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 5,
    "gen_ai.usage.output_tokens": 3,
    "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]),
    "server.address": "localhost",
    "server.port": 80,
    "app.own": "whatever",
}


def ended(
    changed: dict[str, Any] | None = None,
    *,
    name: str = "chat m",
    kind: SpanKind = SpanKind.CLIENT,
    status: StatusCode = StatusCode.UNSET,
) -> ReadableSpan:
    """A span of a chat that differs in some attributes; None leaves one out."""
    attributes = {key: value for key, value in {**CHAT, **(changed or {})}.items() if value is not None}
    span = TracerProvider().get_tracer("t").start_span(name, kind=kind, attributes=attributes)
    span.set_status(Status(status))
    span.end()
    assert isinstance(span, ReadableSpan)
    return span


def messages(*parts: Any, role: Any = "user") -> str:
    return json.dumps([{"role": role, "parts": parts}])


def test_a_span_that_keeps_to_the_conventions_has_no_violation() -> None:
    assert violations(ended()) == []
    assert violations(ended({"error.type": "ValueError"}, status=StatusCode.ERROR)) == []
    assert violations(ended({"gen_ai.operation.name": "moderation"}, name="moderation m")) == []
    tool = dict.fromkeys(CHAT) | {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "add"}
    assert violations(ended(tool, name="execute_tool add", kind=SpanKind.INTERNAL)) == []


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"gen_ai.request.temperature": 1}, "gen_ai.request.temperature should be double"),
        ({"gen_ai.request.max_tokens": 1.0}, "gen_ai.request.max_tokens should be int"),
        ({"gen_ai.request.max_tokens": True}, "gen_ai.request.max_tokens should be int"),
        ({"gen_ai.response.finish_reasons": "stop"}, "should be string[]"),
        ({"gen_ai.response.finish_reasons": [""]}, "has an empty one"),
        ({"gen_ai.request.stream": False}, "gen_ai.request.stream cannot be False"),
        ({"gen_ai.output.type": "markdown"}, "gen_ai.output.type cannot be 'markdown'"),
        ({"gen_ai.request.tempreature": 0.5}, "no attribute of the conventions: gen_ai.request.tempreature"),
        ({"gen_ai.provider.name": None}, "chat lacks gen_ai.provider.name"),
        ({"gen_ai.request.model": "n"}, "should be named chat n"),
        ({"gen_ai.request.choice.count": 1}, "is for more than one choice"),
        ({"server.address": None}, "server.port without server.address"),
        ({"gen_ai.response.time_to_first_chunk": 0.1}, "without gen_ai.request.stream"),
        ({"gen_ai.usage.cache_read.input_tokens": 6}, "is more than gen_ai.usage.input_tokens"),
        ({"error.type": "ValueError"}, "status UNSET with error.type='ValueError'"),
        ({"gen_ai.input.messages": "hi"}, "gen_ai.input.messages is no JSON"),
        ({"gen_ai.input.messages": '"hi"'}, "is no list of objects"),
        ({"gen_ai.input.messages": '[{"role": "user"}]'}, "no parts in"),
        ({"gen_ai.input.messages": messages({"type": "text", "text": "hi"})}, "no content in"),
        ({"gen_ai.input.messages": messages({"type": "text", "content": None})}, "content is NoneType"),
        ({"gen_ai.input.messages": messages({"content": "hi"})}, "a part without type"),
        ({"gen_ai.input.messages": messages("hi")}, "a part without type"),
        ({"gen_ai.input.messages": messages(role=None)}, "role is NoneType"),
        (
            {"gen_ai.input.messages": messages({"type": "server_tool_call", "name": "n", "server_tool_call": {}})},
            "server_tool_call without type",
        ),
        (
            {"gen_ai.input.messages": messages({"type": "uri", "modality": "image", "uri": "data:image/png;base64,"})},
            "a data: URL is a blob",
        ),
        ({"gen_ai.system_instructions": '[{"type": "text"}]'}, "no content in"),
        ({"gen_ai.tool.definitions": '[{"type": "function"}]'}, "no name in"),
    ],
)
def test_what_breaks_them_is_said(changed: dict[str, Any], problem: str) -> None:
    (said,) = violations(ended(changed))
    assert problem in said


def test_name_kind_and_status_are_looked_at() -> None:
    assert violations(ended(name="call")) == ["'call': should be named chat m"]
    assert violations(ended(kind=SpanKind.SERVER)) == ["'chat m': chat has no kind SERVER"]
    assert violations(ended(status=StatusCode.ERROR)) == ["'chat m': status ERROR with error.type=None"]
    assert violations(ended(status=StatusCode.OK)) == ["'chat m': status OK is for applications to set"]


def test_what_a_mask_made_of_content_is_its_own_affair() -> None:
    assert violations(ended({"gen_ai.input.messages": '"masked"'}), content=False) == []


def test_parts_of_unknown_types_and_further_fields_are_allowed() -> None:
    parts = ({"type": "refusal", "content": "no"}, {"type": "text", "content": "hi", "cache": True})
    assert violations(ended({"gen_ai.input.messages": messages(*parts)})) == []


def test_metrics_are_held_to_unit_buckets_and_attributes() -> None:
    reader = InMemoryMetricReader()
    meter = MeterProvider(metric_readers=[reader]).get_meter("t")
    meter.create_histogram("gen_ai.client.operation.duration", unit="ms").record(1, {"gen_ai.operation.name": "chat"})
    meter.create_counter("gen_ai.client.calls").add(1)
    meter.create_counter("app.calls").add(1)
    said = metric_violations(reader.get_metrics_data())
    assert any("its unit should be s, and is ms" in one for one in said)
    assert any("its buckets are" in one for one in said)
    assert any("a point lacks gen_ai.provider.name" in one for one in said)
    assert "gen_ai.client.calls: no metric of the conventions" in said
    assert not any("app.calls" in one for one in said)


def test_every_name_that_the_toolkit_has_is_in_the_table() -> None:
    ours = {value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)}
    assert {key for key in ours if key.startswith(semconv.OWNED)} <= semconv.ATTRIBUTES.keys()


def test_a_recording_fails_for_what_breaks_them(instrumentor: Any) -> None:
    def block(recording: Recording) -> None:
        with recording.of(instrumentor):
            tracer = recording.tracer_provider.get_tracer(instrumentor.scope)
            tracer.start_span("chat", attributes={"gen_ai.operation.name": "chat"}).end()

    with pytest.raises(AssertionError, match=r"lacks gen_ai\.provider\.name"):
        block(Recording())
    block(Recording(conventions=False))
