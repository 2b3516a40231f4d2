"""Holds recorded spans and metrics to the GenAI semantic conventions (``semconv``), in tests of any instrumentation.

    problems = violations(span)
    assert not problems

``contract.Recording`` does so by itself. Said are violations of what an instrumentation must do; what it only should do
is its own affair.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from opentelemetry.sdk.metrics.export import Histogram, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import semconv

_MESSAGES = (names.INPUT_MESSAGES, names.OUTPUT_MESSAGES)
_PARTS_OF = (  # details, and the totals that include them
    (names.USAGE_INPUT_TOKENS, (names.USAGE_CACHE_READ_INPUT_TOKENS, names.USAGE_CACHE_WRITE_INPUT_TOKENS)),
    (names.USAGE_OUTPUT_TOKENS, (names.USAGE_REASONING_OUTPUT_TOKENS,)),
)


def violations(span: ReadableSpan, *, content: bool = True, counts: bool = True) -> list[str]:
    """What the conventions forbid about an ended span, in words.

    Args:
        span: Of any instrumentation.
        content: Whether to look into messages; not where a mask has made something else of them.
        counts: Whether totals must include their details; not where the provider itself cannot add up.
    """
    attributes = dict(span.attributes or {})
    said = [
        *_shape(span, attributes),
        *(problem for key, value in attributes.items() for problem in _attribute(key, value)),
        *_outcome(span, attributes),
        *_relations(attributes),
        *(_totals(attributes) if counts else ()),
        *(_content(attributes) if content else ()),
    ]
    return [f"{span.name!r}: {problem}" for problem in said]


def metric_violations(data: MetricsData | None) -> list[str]:
    """What the conventions forbid about the GenAI metrics in a reader's data, in words."""
    if data is None:
        return []
    scopes = (scope for resource in data.resource_metrics for scope in resource.scope_metrics)
    return [
        f"{metric.name}: {problem}"
        for scope in scopes
        for metric in scope.metrics
        if metric.name.startswith("gen_ai.")
        for problem in _metric(metric)
    ]


def _shape(span: ReadableSpan, attributes: Mapping[str, Any]) -> Iterator[str]:
    """Name, kind, what is required."""
    name = attributes.get(names.OPERATION_NAME)
    if name is None:  # a span of something that the conventions do not know
        return
    operation = semconv.OPERATIONS.get(name, semconv.OTHER_OPERATION)
    subject = attributes.get(operation.subject) if operation.subject else None
    subject = str.__str__(subject) if isinstance(subject, str) else None
    if span.name != (f"{name} {subject}" if subject else name) and (subject or not span.name.startswith(f"{name} ")):
        yield f"should be named {name} {subject or ''}".rstrip()
    if span.kind not in operation.kinds:
        yield f"{name} has no kind {span.kind.name}"
    for required in operation.required:
        if not attributes.get(required):
            yield f"{name} lacks {required}"


def _attribute(key: str, value: Any) -> Iterator[str]:
    kind = semconv.ATTRIBUTES.get(key) or next(
        (kind for prefix, kind in semconv.FAMILIES.items() if key.startswith(prefix)), None
    )
    if kind is None:
        if key.startswith(semconv.OWNED):
            yield f"no attribute of the conventions: {key}"
    elif not _is(kind, value):
        yield f"{key} should be {kind}, and is {value!r:.80}"
    elif key in semconv.VALUES and value not in semconv.VALUES[key]:
        yield f"{key} cannot be {value!r:.80}"


def _is(kind: str, value: Any) -> bool:
    if kind == semconv.TEXTS:
        return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(one, str) for one in value)
    if kind == semconv.INT:
        return type(value) is int
    if kind == semconv.DOUBLE:
        return type(value) is float
    if kind == semconv.BOOL:
        return type(value) is bool
    return isinstance(value, str)


def _outcome(span: ReadableSpan, attributes: Mapping[str, Any]) -> Iterator[str]:
    if (span.status.status_code is StatusCode.ERROR) != (names.ERROR_TYPE in attributes):
        yield f"status {span.status.status_code.name} with {names.ERROR_TYPE}={attributes.get(names.ERROR_TYPE)!r}"
    if span.status.status_code is StatusCode.OK:
        yield "status OK is for applications to set"


def _relations(attributes: Mapping[str, Any]) -> Iterator[str]:
    """What attributes say about each other."""
    if attributes.get(names.REQUEST_CHOICE_COUNT) == 1:
        yield f"{names.REQUEST_CHOICE_COUNT} is for more than one choice"
    for key, other in (
        (names.SERVER_PORT, names.SERVER_ADDRESS),
        (names.PROMPT_VERSION, names.PROMPT_NAME),
        (names.RESPONSE_TIME_TO_FIRST_CHUNK, names.REQUEST_STREAM),
    ):
        if key in attributes and other not in attributes:
            yield f"{key} without {other}"
    if not all(attributes.get(names.RESPONSE_FINISH_REASONS, ("one",))):
        yield f"{names.RESPONSE_FINISH_REASONS} has an empty one"


def _totals(attributes: Mapping[str, Any]) -> Iterator[str]:
    for total, details in _PARTS_OF:
        for detail in details:
            if attributes.get(detail, 0) > attributes.get(total, 0):
                yield f"{detail} is more than {total}, which includes it"


def _content(attributes: Mapping[str, Any]) -> Iterator[str]:
    for key, kind in semconv.ATTRIBUTES.items():
        if kind != semconv.JSON or key not in attributes:
            continue
        try:
            entries = json.loads(attributes[key])
        except (TypeError, ValueError):
            yield f"{key} is no JSON: {attributes[key]!r:.80}"
            continue
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            yield f"{key} is no list of objects: {attributes[key]:.80}"
        elif problem := next(_entries(key, entries), None):
            yield f"{key}: {problem}"


def _entries(key: str, entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    for entry in entries:
        if key in _MESSAGES:
            yield from _message(entry)
        elif key == names.SYSTEM_INSTRUCTIONS:
            yield from _part(entry)
        elif key == names.TOOL_DEFINITIONS:
            yield from _has(entry, {"type": (str,), "name": (str,)}, {"description": (str, type(None))})
        elif key == names.RETRIEVAL_DOCUMENTS:
            yield from _has(entry, {}, {"id": (str,), "score": (int, float, type(None))})


def _message(message: dict[str, Any]) -> Iterator[str]:
    optional = {"name": (str, type(None)), "finish_reason": (str, type(None))}
    problems = list(_has(message, {"role": (str,), "parts": (list,)}, optional))
    yield from problems
    if not problems:
        for part in message["parts"]:
            yield from _part(part)


def _part(part: Any) -> Iterator[str]:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        yield f"a part without type: {part!r:.80}"
        return
    required, optional = semconv.PARTS.get(part["type"], ({}, {}))
    yield from _has(part, required, optional)
    for field in semconv.TYPED:
        if isinstance(part.get(field), dict) and not isinstance(part[field].get("type"), str):
            yield f"{field} without type: {part!r:.80}"
    if part["type"] == "uri" and str(part.get("uri")).startswith("data:"):
        yield "a data: URL is a blob"


def _has(entry: dict[str, Any], required: semconv.Fields, optional: semconv.Fields) -> Iterator[str]:
    for name, kinds in required.items():
        if name not in entry:
            yield f"no {name} in {entry!r:.120}"
        elif not isinstance(entry[name], kinds):
            yield f"{name} is {type(entry[name]).__name__} in {entry!r:.120}"
    for name, kinds in optional.items():
        if name in entry and not isinstance(entry[name], kinds):
            yield f"{name} is {type(entry[name]).__name__} in {entry!r:.120}"


def _metric(metric: Any) -> Iterator[str]:
    shape = semconv.METRICS.get(metric.name)
    if shape is None:
        yield "no metric of the conventions"
        return
    if metric.unit != shape.unit:
        yield f"its unit should be {shape.unit}, and is {metric.unit}"
    if not isinstance(metric.data, Histogram):
        yield "should be a histogram"
        return
    for point in metric.data.data_points:
        if tuple(point.explicit_bounds) != shape.buckets:
            yield f"its buckets are {point.explicit_bounds}"
        attributes = dict(point.attributes or {})
        yield from (f"a point lacks {required}" for required in shape.required if not attributes.get(required))
        for key, value in attributes.items():
            yield from _attribute(key, value)
