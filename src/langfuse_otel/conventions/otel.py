"""What the span itself says, below every convention: its name, status, exceptions, events, links and resource."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event
from opentelemetry.trace import Link, Status, StatusCode

from langfuse_otel.conventions import values
from langfuse_otel.conventions.convention import Convention
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.identity_cache import IdentityCache
from langfuse_otel.json_safe import json_safe

_ENVIRONMENT_KEYS = ("langfuse.environment", "deployment.environment.name", "deployment.environment")


def _compose(reader: Reader) -> None:
    span, fields, events = reader.span, reader.fields, reader.events
    # Nobody has a lower precedence, so a field that is not there yet is open.
    if "name" not in fields:
        fields["name"] = str(span.name)
    if "is_app_root" not in fields and ((parent := span.parent) is None or parent.is_remote):
        fields["is_app_root"] = True
    if "model" in fields and "type" not in fields:
        fields["type"] = "generation"
    for field, value in _RESOURCE_FIELDS.of(span.resource):
        if field not in fields:
            fields[field] = value
    if events:
        reader.metadata["otel.events"] = [_event(event) for event in events]
    if links := span.links:
        reader.metadata["otel.links"] = [_link(link) for link in links]
    status = span.status
    if events or status.status_code is not StatusCode.UNSET:
        _level(reader, status)
    if span.start_time != reader.start_ns or span.end_time != reader.end_ns:
        _keep_clamped_times(reader)


def _level(reader: Reader, status: Status) -> None:
    """ERROR by status, or by an exception event unless the status says OK.

    The message is the status's, else that of the last exception, else ``error.type``: Langfuse reads no events.
    """
    fields, code = reader.fields, status.status_code
    exception = _exception(reader.events) if reader.events and code is not StatusCode.OK else None
    message = status.description or exception
    if code is StatusCode.ERROR or exception is not None:
        fields.setdefault("level", "ERROR")
        message = message or values.text(reader.attributes.get("error.type"))
    if message:
        fields.setdefault("status_message", message)


def _exception(events: Sequence[Event]) -> str | None:
    for event in reversed(events):
        if event.name == "exception":
            attributes = event.attributes or {}
            parts = (attributes.get("exception.type"), attributes.get("exception.message"))
            return ": ".join(str(json_safe(part)) for part in parts if part) or "exception"
    return None


def _resource_fields(resource: Resource) -> tuple[tuple[str, str], ...]:
    """Fields that a process has in common; the server looks for them on the resource too, after the span."""
    attributes = resource.attributes
    fields = {}
    for field, key in (("version", "service.version"), ("release", "langfuse.release")):
        if value := attributes.get(key):
            fields[field] = str(json_safe(value))
    for key in _ENVIRONMENT_KEYS:
        name = attributes.get(key)
        if isinstance(name, str) and (usable := values.environment(name)):
            fields["environment"] = usable
            break
    return tuple(fields.items())


_RESOURCE_FIELDS = IdentityCache(_resource_fields)


def _keep_clamped_times(reader: Reader) -> None:
    start, end = reader.span.start_time, reader.span.end_time
    if start is not None and start != reader.start_ns:
        reader.metadata["otel.start_time_unix_nano"] = str(start)
    if end is not None and end != reader.end_ns:
        reader.metadata["otel.end_time_unix_nano"] = str(end)


def _event(event: Event) -> dict[str, Any]:
    return {
        "name": event.name,
        "time_unix_nano": json_safe(event.timestamp),
        "attributes": json_safe(dict(event.attributes or {})),
    }


def _link(link: Link) -> dict[str, Any]:
    return {
        "trace_id": format(link.context.trace_id, "032x"),
        "span_id": format(link.context.span_id, "016x"),
        "attributes": json_safe(dict(link.attributes or {})),
    }


CONVENTION = Convention(
    name="otel",
    compose=_compose,
    composes={
        "name": ("span name",),
        "type": ("field model (generation)",),
        "level": ("span status", "event exception"),
        "status_message": ("span status", "event exception", "error.type (of an error)"),
        "is_app_root": ("span parent (none, or in another process)",),
        "version": ("resource service.version",),
        "release": ("resource langfuse.release",),
        "environment": tuple(f"resource {key}" for key in _ENVIRONMENT_KEYS),
        "metadata": (
            "span events (as otel.events)",
            "span links (as otel.links)",
            "span start (as otel.start_time_unix_nano, if it cannot be)",
            "span end (as otel.end_time_unix_nano, if it cannot be)",
        ),
    },
)
