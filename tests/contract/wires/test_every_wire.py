"""What every wire keeps, whatever a span carries: its schema, its limits, and every attribute in some place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from contract.wires import any_span, ingestion_schema, otlp_reader
from contract.wires.endpoints import Endpoint, each_endpoint
from langfuse_otel.conventions import registry
from langfuse_otel.json_safe import json_safe

KEYS = [*any_span.KEYS, *(prefix + "x" for prefix in any_span.FAMILIES)]


@each_endpoint
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(found=st.lists(any_span.spans(), max_size=4, unique_by=lambda span: span.context.span_id))
def test_any_spans_make_a_request_that_the_schema_accepts(endpoint: Endpoint, found: list[ReadableSpan]) -> None:
    request = endpoint.wire.frame([endpoint.wire.encode(registry.read(span)) for span in found])

    assert endpoint.observations(request) == len(found)


def leaves(value: object) -> Iterator[object]:
    """Every scalar in a value, also inside JSON text."""
    if isinstance(value, str):
        yield value
        try:
            inner = json.loads(value)
        except ValueError:
            return
        if inner != value:
            yield from leaves(inner)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from leaves(item)
    elif isinstance(value, list):
        yield "[]"
        for item in value:
            yield from leaves(item)
    else:
        yield value


UNKNOWN_KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).map("app.".__add__)


@each_endpoint
@settings(deadline=None)
@given(key=st.sampled_from(KEYS) | UNKNOWN_KEYS, number=st.integers(10**9, 2**53))
def test_each_attribute_is_found_again_in_the_request(endpoint: Endpoint, key: str, number: int) -> None:
    request = endpoint.wire.frame([endpoint.wire.encode(registry.read(ReadableSpan("x", attributes={key: number})))])
    # A time to the first chunk of a billion milliseconds is no time, so it stays a number; ids become text.
    assert {number, str(number), float(number)} & set(map(_hashable, leaves(json.loads(request))))


@each_endpoint
@settings(deadline=None)
@given(key=st.sampled_from(KEYS) | UNKNOWN_KEYS, word=st.text("xyz", min_size=12, max_size=20))
def test_each_text_is_found_again_in_the_request(endpoint: Endpoint, key: str, word: str) -> None:
    request = endpoint.wire.frame([endpoint.wire.encode(registry.read(ReadableSpan("x", attributes={key: word})))])

    assert word in set(map(_hashable, leaves(json.loads(request))))


@each_endpoint
@settings(deadline=None)
@given(attributes=st.dictionaries(UNKNOWN_KEYS, any_span.VALUES, max_size=4))
def test_an_unknown_attribute_keeps_its_key_and_value(endpoint: Endpoint, attributes: dict[str, Any]) -> None:
    request = endpoint.wire.frame([endpoint.wire.encode(registry.read(ReadableSpan("x", attributes=attributes)))])
    metadata = _metadata(endpoint, request)

    for key, value in attributes.items():
        assert metadata[key] == json_safe(value)


def _metadata(endpoint: Endpoint, request: bytes) -> dict[str, Any]:
    if endpoint.wire.name == "otlp":
        (span,) = otlp_reader.spans(request)
        found = otlp_reader.attributes(span)
        said: dict[str, Any] = json.loads(found.get("langfuse.observation.metadata", "{}"))
        return said
    _, event = ingestion_schema.parse(request).batch
    metadata: dict[str, Any] = event.body.metadata
    return metadata


def _hashable(value: object) -> object:
    return value if isinstance(value, (str, int, float, bool)) else None


def big(**attributes: Any) -> ReadableSpan:
    return ReadableSpan("x", attributes={"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 5, **attributes})


@each_endpoint
@pytest.mark.parametrize(
    "attributes",
    [
        {"langfuse.observation.input": "x" * 9_000_000},
        {"langfuse.observation.output": '"' * 3_000_000, "langfuse.observation.input": "\x00" * 1_000_000},
        {f"key.{number}": "ä" * 100_000 for number in range(40)},
        {f"key.{number:050}": number for number in range(80_000)},
        {"k" * 5_000_000: 1},
    ],
    ids=["long", "escaped", "many", "very-many", "long-key"],
)
def test_what_is_too_large_for_the_endpoint_is_cut_and_says_so(endpoint: Endpoint, attributes: dict[str, Any]) -> None:
    cut: list[bool] = []
    wire = type(endpoint.wire)(on_truncated=lambda: cut.append(True))
    item = wire.encode(registry.read(big(**attributes)))
    request = wire.frame([item])

    assert len(request) <= wire.max_batch_bytes
    assert len(item.group) + len(item.body) <= wire.max_batch_bytes
    assert cut == [True]
    assert endpoint.observations(request) == 1
    assert "langfuse_otel.truncated" in _metadata(endpoint, request)


@each_endpoint
def test_a_resource_that_is_too_large_does_not_fill_every_request(endpoint: Endpoint) -> None:
    span = ReadableSpan("x", resource=Resource({"process.command_args": ["x" * 99] * 99_999, "service.name": "s"}))
    request = endpoint.wire.frame([endpoint.wire.encode(registry.read(span))])

    assert len(request) < 20_000
    assert b"service.name" in request
    assert b"[truncated: " in request


@each_endpoint
def test_the_same_span_is_the_same_bytes_so_that_resending_overwrites(endpoint: Endpoint) -> None:
    span = ReadableSpan("x", SpanContext(1, 2, False), attributes={"user.id": "u"}, start_time=1, end_time=2)
    assert endpoint.wire.encode(registry.read(span)) == endpoint.wire.encode(registry.read(span))


@each_endpoint
def test_an_empty_batch_is_a_valid_request(endpoint: Endpoint) -> None:
    assert endpoint.observations(endpoint.wire.frame([])) == 0
