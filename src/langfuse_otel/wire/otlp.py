"""OTLP/HTTP JSON for ``/api/public/otel/v1/traces``: what Langfuse reads from now on.

Only ``langfuse.*``, ``user.id`` and ``session.id`` are written (langfuse-api.md, section 3.12), so that the server has
nothing to guess: each of its rules for a foreign attribute comes after the one for Langfuse's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langfuse_otel.identity_cache import IdentityCache
from langfuse_otel.json_encoding import to_json, to_text
from langfuse_otel.json_safe import well_formed
from langfuse_otel.observation import Observation
from langfuse_otel.wire import otlp_json
from langfuse_otel.wire.encoded import Encoded
from langfuse_otel.wire.fit import encode_to_fit
from langfuse_otel.wire.iso_time import iso_time
from langfuse_otel.wire.limits import origin_attributes, trace_name
from langfuse_otel.wire.otlp_json import (
    ArrayValue,
    BoolValue,
    IntValue,
    KeyValue,
    Span,
    Status,
    StringValue,
    Values,
    any_value,
    json_text,
    key_values,
)

_TEXTS = (
    ("type", "langfuse.observation.type"),
    ("status_message", "langfuse.observation.status_message"),
    ("model", "langfuse.observation.model.name"),
    ("user_id", "user.id"),
    ("session_id", "session.id"),
    ("environment", "langfuse.environment"),
    ("release", "langfuse.release"),
    ("version", "langfuse.version"),
)
_CONTENTS = (("input", "langfuse.observation.input"), ("output", "langfuse.observation.output"))
# Whole, and not an attribute for each entry, which costs the server and us several times as much: objects as JSON text.
_OBJECTS = (
    ("model_parameters", "langfuse.observation.model.parameters"),
    ("usage", "langfuse.observation.usage_details"),
    ("cost", "langfuse.observation.cost_details"),
    ("metadata", "langfuse.observation.metadata"),
    ("trace_metadata", "langfuse.trace.metadata"),
)
_STATUS_ERROR = 2
_NO_STATUS = Status()
_FRAME_BYTES = 64  # what `frame` adds to a group and a body, and some
_REQUEST, _REQUEST_END = b'{"resourceSpans":[', b"]}"
_GROUP_END = b"]}]}"


class OtlpWire:
    """Writes observations as OTLP spans. Thread-safe.

    Args:
        on_truncated: Called for each observation that is cut to fit ``max_batch_bytes``.
    """

    name = "otlp"
    path = "/api/public/otel/v1/traces"
    content_type = "application/json"
    max_batch_bytes = 4_000_000
    """Langfuse Cloud documents 5 MB a request (langfuse-api.md, section 3.1); the rest is room for what proxies add."""

    def __init__(self, *, on_truncated: Callable[[], None] = lambda: None) -> None:
        # Version 4 writes straight to the table that the newest views read, so that traces show at once (section 3.2).
        self.headers = {"x-langfuse-ingestion-version": "4"}
        self._on_truncated = on_truncated
        self._heads = IdentityCache(_head)

    def encode(self, observation: Observation) -> Encoded:
        """One observation as a span. Never raises; what is too large is cut visibly (`limits`)."""
        group = self._heads.of(observation.resource, observation.scope)
        max_bytes = self.max_batch_bytes - len(group) - _FRAME_BYTES
        body = encode_to_fit(observation, _body, max_bytes, self._on_truncated)
        return Encoded(group, body, self.name)

    def frame(self, items: Sequence[Encoded]) -> bytes:
        """An export request of spans, those of one resource and scope together and otherwise in their order."""
        groups: dict[bytes, list[bytes]] = {}
        for group, body, _ in items:
            groups.setdefault(group, []).append(body)
        # A comma goes between two spans and between two groups alike: one join makes the request, and copies each span
        # once. Ends are glued to their neighbours before.
        pieces: list[bytes] = []
        for group, bodies in groups.items():
            bodies[0] = group + bodies[0]
            bodies[-1] += _GROUP_END
            pieces += bodies
        if not pieces:
            return _REQUEST + _REQUEST_END
        pieces[0] = _REQUEST + pieces[0]
        pieces[-1] += _REQUEST_END
        return b",".join(pieces)


def _head(resource: Resource, scope: InstrumentationScope | None) -> bytes:
    """Everything of a resourceSpans before its first span."""
    resource_json = to_json(otlp_json.Resource(key_values(origin_attributes(resource.attributes))))
    scope_json = to_json(_scope(scope))
    return b'{"resource":' + resource_json + b',"scopeSpans":[{"scope":' + scope_json + b',"spans":['


def _scope(scope: InstrumentationScope | None) -> otlp_json.Scope:
    if scope is None:
        return otlp_json.Scope()
    attributes = key_values(origin_attributes(scope.attributes or {}))
    return otlp_json.Scope(well_formed(scope.name or ""), well_formed(scope.version or ""), attributes)


def _body(observation: Observation) -> bytes:
    failed = observation.level == "ERROR"
    return to_json(
        Span(
            trace_id=observation.trace_id,
            span_id=observation.span_id,
            parent_span_id=observation.parent_span_id or "",
            name=observation.name,
            start_time_unix_nano=str(observation.start_ns),
            end_time_unix_nano=str(observation.end_ns),
            attributes=_attributes(observation),
            status=Status(_STATUS_ERROR, observation.status_message or "") if failed else _NO_STATUS,
        )
    )


def _attributes(observation: Observation) -> list[KeyValue]:
    attributes: list[KeyValue] = []
    put = attributes.append
    for field, key in _TEXTS:
        text = getattr(observation, field)
        if text:
            put(KeyValue(key, StringValue(text)))
    for field, key in _CONTENTS:
        value = getattr(observation, field)
        if value is not None:
            put(KeyValue(key, StringValue(json_text(value))))
    for field, key in _OBJECTS:
        entries = getattr(observation, field)
        if entries:
            put(KeyValue(key, StringValue(to_text(entries))))
    if observation.level != "DEFAULT":
        put(KeyValue("langfuse.observation.level", StringValue(observation.level)))
    if observation.completion_start_ns is not None:
        moment = iso_time(observation.completion_start_ns)
        put(KeyValue("langfuse.observation.completion_start_time", StringValue(moment)))
    if observation.prompt_name is not None and observation.prompt_version is not None:
        put(KeyValue("langfuse.observation.prompt.name", StringValue(observation.prompt_name)))
        put(KeyValue("langfuse.observation.prompt.version", IntValue(observation.prompt_version)))
    if observation.is_app_root:
        put(KeyValue("langfuse.internal.is_app_root", BoolValue(True)))
    if observation.trace_name:
        put(KeyValue("langfuse.trace.name", StringValue(trace_name(observation.trace_name))))
    if observation.tags:
        put(KeyValue("langfuse.trace.tags", ArrayValue(Values([StringValue(tag) for tag in observation.tags]))))
    if observation.public is not None:
        put(KeyValue("langfuse.trace.public", BoolValue(observation.public)))
    for key, value in observation.passthrough.items():
        put(KeyValue(key, any_value(value)))
    return attributes
