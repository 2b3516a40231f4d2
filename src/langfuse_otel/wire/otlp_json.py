"""The OTLP JSON messages that we write, as typed structs (opentelemetry-proto, trace/v1 and common/v1).

The server is particular about values (langfuse-api.md, section 3.4): key-value lists, bytes and empty lists would be
shown as raw protocol JSON, so they are written as JSON text. Integers are JSON numbers and not decimal text, and zero
is a double: the server's JSON reader takes neither ``"12"`` nor ``0`` for an integer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from langfuse_otel.json_encoding import to_text
from langfuse_otel.json_safe import MAX_EXACT_INT

_TEXT_ONLY = {str}


class StringValue(msgspec.Struct, rename="camel", gc=False):
    string_value: str


class IntValue(msgspec.Struct, rename="camel", gc=False):
    int_value: int


class DoubleValue(msgspec.Struct, rename="camel", gc=False):
    double_value: float


class BoolValue(msgspec.Struct, rename="camel", gc=False):
    bool_value: bool


class Values(msgspec.Struct, gc=False):
    values: list[Any]


class ArrayValue(msgspec.Struct, rename="camel", gc=False):
    array_value: Values


AnyValue: TypeAlias = StringValue | IntValue | DoubleValue | BoolValue | ArrayValue


class KeyValue(msgspec.Struct, gc=False):
    key: str
    value: AnyValue


class Status(msgspec.Struct, omit_defaults=True, gc=False):
    code: int = 0
    message: str = ""


class Span(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """A span; ids are hex, times are decimal text."""

    trace_id: str
    span_id: str
    parent_span_id: str = ""
    name: str
    start_time_unix_nano: str
    end_time_unix_nano: str
    attributes: list[KeyValue]
    status: Status


class Resource(msgspec.Struct):
    attributes: list[KeyValue]


class Scope(msgspec.Struct, omit_defaults=True):
    name: str = ""
    version: str = ""
    attributes: list[KeyValue] = []


def any_value(value: Any) -> AnyValue:
    """A JSON-safe value as an OTLP value that the server reads back as it was, or as JSON text."""
    kind = type(value)
    if kind is str:
        return StringValue(value)
    if kind is bool:
        return BoolValue(value)
    if kind is int and value != 0 and -MAX_EXACT_INT <= value <= MAX_EXACT_INT:
        return IntValue(value)
    if kind is float or value == 0:
        return DoubleValue(value)
    if kind is list and set(map(type, value)) == _TEXT_ONLY:
        return ArrayValue(Values([StringValue(item) for item in value]))
    return StringValue(json_text(value))


def json_text(value: object) -> str:
    """A text as it is, anything else as JSON text."""
    return value if isinstance(value, str) else to_text(value)


def key_values(attributes: Mapping[str, object]) -> list[KeyValue]:
    """JSON-safe attributes as OTLP attributes."""
    return [KeyValue(key, any_value(value)) for key, value in attributes.items()]
