"""OTLP trace requests, protobuf and JSON, as plain spans with the values that Langfuse makes of attributes.

Rules: langfuse-api.md, sections 3.1 and 3.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

Attributes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """What the spans of one scope of one resource have in common."""

    resource: Attributes
    scope_name: str
    scope_version: str
    scope: Attributes


@dataclass(frozen=True, slots=True)
class Event:
    """A span event."""

    name: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Span:
    """One span. Ids are text as Langfuse keeps them; times in nanoseconds, 0 when missing."""

    source: Source
    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    start_ns: int
    end_ns: int
    attributes: Attributes
    status_code: int = 0
    status_message: str = ""
    events: list[Event] = field(default_factory=list)


class MalformedExportError(ValueError):
    """The export is refused as a whole; says why."""


def from_protobuf(body: bytes) -> list[Span]:
    """Spans of a protobuf request.

    Raises:
        MalformedExportError: Not such a message, or a span without ids.
    """
    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError:
        raise MalformedExportError("Failed to parse OTel Protobuf Trace") from None
    spans, refused = [], 0
    for resource_spans in request.resource_spans:
        resource = _protobuf_attributes(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            scope = scope_spans.scope
            source = Source(resource, scope.name, scope.version, _protobuf_attributes(scope.attributes))
            for span in scope_spans.spans:
                if not span.trace_id or not span.span_id:
                    refused += 1
                    continue
                spans.append(
                    Span(
                        source,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex() or None,
                        span.name,
                        span.start_time_unix_nano,
                        span.end_time_unix_nano,
                        _protobuf_attributes(span.attributes),
                        span.status.code,
                        span.status.message,
                        [Event(event.name, _protobuf_attributes(event.attributes)) for event in span.events],
                    )
                )
    _refuse_whole(refused, refused + len(spans))
    return spans


def _protobuf_attributes(pairs: Iterable[KeyValue]) -> Attributes:
    return {pair.key: _protobuf_value(pair.value) for pair in pairs}


def _protobuf_value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind in ("string_value", "bool_value", "int_value", "double_value"):
        return getattr(value, kind)
    if kind == "array_value" and value.array_value.values:
        return [_protobuf_value(item) for item in value.array_value.values]
    return _raw(MessageToDict(value))


def from_json(body: bytes) -> list[Span]:
    """Spans of a JSON request. Ids are kept as sent.

    Raises:
        MalformedExportError: Not JSON of that shape, or a span that cannot be processed.
    """
    try:
        request = msgspec.json.decode(body)
        resources = _list(request, "resourceSpans")
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError, AttributeError):
        raise MalformedExportError("Failed to parse OTel JSON Trace") from None
    spans: list[Span] = []
    refused = total = 0
    for resource_spans in resources:
        for make in _json_spans(resource_spans):
            total += 1
            try:
                spans.append(make())
            except (TypeError, ValueError, KeyError, AttributeError):
                refused += 1
    _refuse_whole(refused, total)
    return spans


def _json_spans(resource_spans: Mapping[str, Any]) -> Iterator[Callable[[], Span]]:
    """Each span as a function that reads it, so that one which cannot be read does not hide the others."""
    try:
        scopes = _list(resource_spans, "scopeSpans")
        spans = [(scope_spans, span) for scope_spans in scopes for span in _list(scope_spans, "spans")]
    except (TypeError, AttributeError):
        raise MalformedExportError("Failed to parse OTel JSON Trace") from None
    for scope_spans, span in spans:
        yield lambda scope_spans=scope_spans, span=span: _json_span(resource_spans, scope_spans, span)  # type: ignore[misc]


def _json_span(resource_spans: Mapping[str, Any], scope_spans: Mapping[str, Any], span: Mapping[str, Any]) -> Span:
    scope = scope_spans.get("scope") or {}
    status = span.get("status") or {}
    parent = span.get("parentSpanId")
    if parent is not None and not isinstance(parent, str):
        raise TypeError("parentSpanId")
    return Span(
        Source(
            _json_attributes(resource_spans.get("resource") or {}),
            str(scope.get("name") or ""),
            str(scope.get("version") or ""),
            _json_attributes(scope),
        ),
        _id(span, "traceId"),
        _id(span, "spanId"),
        parent or None,
        str(span.get("name") or ""),
        int(span.get("startTimeUnixNano") or 0),
        int(span.get("endTimeUnixNano") or 0),
        _json_attributes(span),
        _status_code(status.get("code")),
        str(status.get("message") or ""),
        [Event(str(event.get("name") or ""), _json_attributes(event)) for event in _list(span, "events")],
    )


def _id(span: Mapping[str, Any], name: str) -> str:
    value = span.get(name)
    if not isinstance(value, str) or not value:
        raise TypeError(name)
    return value


def _status_code(code: Any) -> int:
    return code if isinstance(code, int) else 0  # the number only; "STATUS_CODE_ERROR" is not understood


def _list(holder: Mapping[str, Any], name: str) -> list[Any]:
    value = holder.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise TypeError(f"{name} is no list")
    return value


def _json_attributes(holder: Mapping[str, Any]) -> Attributes:
    return {pair["key"]: _json_value(pair["value"]) for pair in _list(holder, "attributes")}


def _json_value(value: Mapping[str, Any]) -> Any:
    if "stringValue" in value:
        return value["stringValue"]
    if "boolValue" in value:
        return value["boolValue"]
    if "intValue" in value:
        return int(value["intValue"])
    if "doubleValue" in value:
        return value["doubleValue"]
    items = (value.get("arrayValue") or {}).get("values")
    if items:
        return [_json_value(item) for item in items]
    return _raw(value)


def _raw(value: Mapping[str, Any]) -> str:
    """What no simple value stands for, which includes the empty list, arrives as the protocol's own JSON."""
    return msgspec.json.encode(value).decode()


def _refuse_whole(refused: int, total: int) -> None:
    if refused:
        raise MalformedExportError(
            f"Invalid OTLP trace export: {refused} of {total} span(s) cannot be processed; trace and span ids must be "
            "strings or bytes, attributes and events lists. The entire export was rejected; remove these spans and "
            "send the rest again."
        )
