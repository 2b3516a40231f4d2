"""OTLP JSON read with opentelemetry-proto, so that what we write is judged by somebody else's schema."""

from __future__ import annotations

import base64
import json
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


def parse(request: bytes) -> ExportTraceServiceRequest:
    """The message of a request body; raises on any field or type that the schema does not have.

    OTLP JSON writes ids in hex where protobuf's own JSON has base64, so they are turned first.
    """
    body = json.loads(request)
    for resource_spans in body["resourceSpans"]:
        for scope_spans in resource_spans["scopeSpans"]:
            for span in scope_spans["spans"]:
                for key in ("traceId", "spanId", "parentSpanId"):
                    if key in span:
                        span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()
    return json_format.ParseDict(body, ExportTraceServiceRequest())


def spans(request: bytes) -> list[Span]:
    """All spans of a request body."""
    return [
        span
        for resource_spans in parse(request).resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    ]


def attributes(span: Span) -> dict[str, Any]:
    """A span's attributes as the server's own reader takes them (langfuse-api.md, section 3.4)."""
    found = {attribute.key: _plain(attribute.value) for attribute in span.attributes}
    assert len(found) == len(span.attributes), "an attribute key is repeated"
    return found


def _plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    assert kind in ("string_value", "bool_value", "int_value", "double_value", "array_value"), kind
    if kind == "array_value":
        assert value.array_value.values, "the server shows an empty list as raw protocol"
        return [_plain(item) for item in value.array_value.values]
    return getattr(value, kind)
