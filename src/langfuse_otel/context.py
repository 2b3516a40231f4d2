"""User, session, tags and the other trace fields, carried by the OpenTelemetry context and, when asked, by baggage.

Langfuse keeps these on every observation (langfuse-api.md, section 3.3), so they travel with the context and the
processor copies them onto each span. Names and baggage keys are those of the Langfuse SDK (section 6.4): a service
that uses it and one that uses us understand each other.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry import baggage, trace
from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.util.types import AttributeValue

from langfuse_otel import log
from langfuse_otel.context_block import ContextBlock

MAX_VALUE_CHARACTERS = 200
"""Langfuse's limit for a propagated value; a longer one is left out with a warning."""

_MAX_BAGGAGE_FIELDS = 64
_CONTEXT_KEY = otel_context.create_key("langfuse-trace-fields")
_BAGGAGE_PREFIX = "langfuse_"
_METADATA_PREFIX = "metadata_"

PROJECT = "langfuse_otel.project"
"""Span attribute: the public key of the one project that a span is for."""


@dataclass(frozen=True, slots=True)
class TraceFields:
    """What Langfuse shows on a trace and filters by. None and empty mean: not said."""

    user_id: str | None = None
    session_id: str | None = None
    trace_name: str | None = None
    version: str | None = None
    release: str | None = None
    environment: str | None = None
    public: bool | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    public_key: str | None = None


_EMPTY = TraceFields()
# Field → span attribute, for the fields that are one string.
_ATTRIBUTES = {
    "user_id": "user.id",
    "session_id": "session.id",
    "trace_name": "langfuse.trace.name",
    "version": "langfuse.version",
    "release": "langfuse.release",
    "environment": "langfuse.environment",
}


def current_trace_fields(context: Context | None = None) -> TraceFields:
    """The trace fields in force: those of ``propagate_attributes``, then what arrived as ``langfuse_*`` baggage."""
    fields = otel_context.get_value(_CONTEXT_KEY, context)
    local = fields if isinstance(fields, TraceFields) else _EMPTY
    remote = baggage.get_all(context)
    return _merge(_from_baggage(remote), local) if remote else local


def span_attributes(fields: TraceFields) -> dict[str, AttributeValue]:
    """Trace fields as the span attributes that Langfuse reads; empty ones are left out."""
    if fields is _EMPTY:
        return {}
    attributes: dict[str, AttributeValue] = {}
    for name, attribute in _ATTRIBUTES.items():
        value = getattr(fields, name)
        if value is not None:
            attributes[attribute] = value
    if fields.tags:
        attributes["langfuse.trace.tags"] = fields.tags
    if fields.public is not None:
        attributes["langfuse.trace.public"] = fields.public
    for key, text in fields.metadata.items():
        attributes[f"langfuse.trace.metadata.{key}"] = text
    if fields.public_key is not None:
        attributes[PROJECT] = fields.public_key
    return attributes


_is_any_project_named = False


def _name_a_project() -> None:
    global _is_any_project_named
    _is_any_project_named = True


def is_any_project_named() -> bool:
    """Whether any span of this process may carry ``PROJECT``: nothing but ``propagate_attributes`` puts it there."""
    return _is_any_project_named


class propagate_attributes(ContextBlock):  # noqa: N801  (reads as a function, as in the Langfuse SDK)
    """Set trace fields on the current span and on every span started inside the block.

    Works as ``with``, as ``async with`` and as a decorator of functions and coroutine functions. Nested blocks add up:
    tags are united, metadata merged, other fields replaced.

    Args:
        user_id: Whose trace this is.
        session_id: Conversation or other group of traces.
        trace_name: Name of the trace, when it should not be the root span's.
        version: Version of what is traced, for example of a chain.
        release: Release of the application; replaces the setting for this block.
        environment: Lower-case letters, digits, ``-`` and ``_``; replaces the setting for this block.
        tags: Strings, in any order, duplicates removed.
        metadata: Keys and values for Langfuse's filters. Values that are no strings are converted with ``str``.
        public: Whether anybody with the link may see the trace.
        public_key: Send the spans to the project with this key only, where exporters for several projects stand side by
            side. It does not travel to other services.
        as_baggage: Also send the fields to other services, as W3C baggage. They can then be read by anybody who gets
            the request.

    A value over 200 characters is left out, with one warning in the log (Langfuse's own limit).
    """

    def __init__(
        self,
        *,
        user_id: str | None = None,
        session_id: str | None = None,
        trace_name: str | None = None,
        version: str | None = None,
        release: str | None = None,
        environment: str | None = None,
        tags: Iterable[str] = (),
        metadata: Mapping[str, object] | None = None,
        public: bool | None = None,
        public_key: str | None = None,
        as_baggage: bool = False,
    ) -> None:
        super().__init__()
        if public_key is not None:
            _name_a_project()
        self._fields = TraceFields(
            user_id=_checked("user_id", user_id),
            session_id=_checked("session_id", session_id),
            trace_name=_checked("trace_name", trace_name),
            version=_checked("version", version),
            release=_checked("release", release),
            environment=_checked("environment", environment),
            public=public,
            public_key=_checked("public_key", public_key),
            tags=tuple(dict.fromkeys(t for tag in tags if (t := _checked("tags", tag)) is not None)),
            metadata={
                str(key): text
                for key, value in (metadata or {}).items()
                if (text := _checked(f"metadata.{key}", value)) is not None
            },
        )
        self._as_baggage = as_baggage

    def _changed(self, context: Context) -> Context:
        before = otel_context.get_value(_CONTEXT_KEY, context)
        fields = _merge(before, self._fields) if isinstance(before, TraceFields) else self._fields
        context = otel_context.set_value(_CONTEXT_KEY, fields, context)
        if self._as_baggage:
            context = _to_baggage(fields, context)
        trace.get_current_span(context).set_attributes(span_attributes(fields))
        return context


def _checked(name: str, value: object) -> str | None:
    """``value`` as a string that Langfuse takes, or None with a warning."""
    if value is None:
        return None
    try:
        text = value if isinstance(value, str) else str(value)
    except Exception as error:
        log.limited(logging.WARNING, f"trace-field-{name}", "%s left out: str() raised %s", name, type(error).__name__)
        return None
    if not text or len(text) > MAX_VALUE_CHARACTERS:
        reason = f"{len(text)} characters, Langfuse takes 1 to {MAX_VALUE_CHARACTERS}"
        log.limited(logging.WARNING, f"trace-field-{name}", "%s left out: %s", name, reason)
        return None
    return text


def _merge(outer: TraceFields, inner: TraceFields) -> TraceFields:
    if outer is _EMPTY or inner is _EMPTY:
        return inner if outer is _EMPTY else outer
    said = {
        name: value for name in (*_ATTRIBUTES, "public", "public_key") if (value := getattr(inner, name)) is not None
    }
    return dataclasses.replace(
        outer,
        tags=tuple(dict.fromkeys(outer.tags + inner.tags)),
        metadata={**outer.metadata, **inner.metadata},
        **said,
    )


def _to_baggage(fields: TraceFields, context: Context) -> Context:
    for name in _ATTRIBUTES:
        value = getattr(fields, name)
        if value is not None:
            context = baggage.set_baggage(_BAGGAGE_PREFIX + name, value, context)
    if fields.tags:
        context = baggage.set_baggage(_BAGGAGE_PREFIX + "tags", ",".join(fields.tags), context)
    for key, text in fields.metadata.items():
        context = baggage.set_baggage(f"{_BAGGAGE_PREFIX}{_METADATA_PREFIX}{key}", text, context)
    return context


def _from_baggage(remote: Mapping[str, object]) -> TraceFields:
    """What another service sent. Untrusted: only these fields, at most 64 of them, 200 characters each."""
    said: dict[str, Any] = {}
    metadata: dict[str, str] = {}
    mine = [(key, value) for key, value in remote.items() if key.startswith(_BAGGAGE_PREFIX)]
    for key, value in mine[:_MAX_BAGGAGE_FIELDS]:
        name = key[len(_BAGGAGE_PREFIX) :]
        text = str(value)
        if not text or len(text) > MAX_VALUE_CHARACTERS:
            continue
        if name in _ATTRIBUTES:
            said[name] = text
        elif name == "tags":
            said["tags"] = tuple(tag for tag in text.split(",") if tag)
        elif name.startswith(_METADATA_PREFIX):
            metadata[name[len(_METADATA_PREFIX) :]] = text
    return TraceFields(**said, metadata=metadata) if said or metadata else _EMPTY
