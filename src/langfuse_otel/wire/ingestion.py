"""Event batches for ``/api/public/ingestion``: self-hosted Langfuse v2 and v3, which have no or an early OTLP endpoint.

An observation is two events: a ``trace-create`` with its trace's fields, and a ``*-create`` of its type. The server
merges the events of one trace in the order of their timestamps (langfuse-api.md, section 2); the timestamp here is
the span's end, so what the root says of the trace comes last. Event ids are made of the span's, so a resent event
overwrites itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langfuse_otel.identity_cache import IdentityCache
from langfuse_otel.json_encoding import to_json, to_text
from langfuse_otel.observation import Observation
from langfuse_otel.wire.encoded import Encoded
from langfuse_otel.wire.ingestion_batch import Event, IngestionBatch
from langfuse_otel.wire.iso_time import iso_time
from langfuse_otel.wire.limits import origin_attributes, trace_name

TRACE_EVENT_SUFFIX = "-trace"
"""The ``trace-create`` event's id is the observation's with this behind; an answer's errors name event ids."""


class TraceBody(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    id: str
    timestamp: str
    name: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    release: str | None = None
    version: str | None = None
    environment: str | None = None
    public: bool | None = None
    input: Any = None
    output: Any = None


class ObservationBody(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """Body of ``event-create``."""

    id: str
    trace_id: str
    parent_observation_id: str | None = None
    name: str
    start_time: str
    level: str
    status_message: str | None = None
    version: str | None = None
    environment: str | None = None
    metadata: dict[str, Any]
    input: Any = None
    output: Any = None


class SpanBody(ObservationBody, kw_only=True):
    """Body of ``span-create``."""

    end_time: str


class GenerationBody(SpanBody, kw_only=True):
    """Body of ``generation-create`` and of every other type."""

    completion_start_time: str | None = None
    model: str | None = None
    model_parameters: dict[str, Any] | None = None
    usage_details: dict[str, int] | None = None
    cost_details: dict[str, float] | None = None
    prompt_name: str | None = None
    prompt_version: int | None = None


class IngestionWire(IngestionBatch):
    """Writes observations as ingestion events. Thread-safe.

    Args:
        on_truncated: Called for each observation that is cut to fit ``max_batch_bytes``.
    """

    name = "ingestion"
    events_each = 2

    def __init__(self, *, on_truncated: Callable[[], None] = lambda: None) -> None:
        super().__init__(on_truncated=on_truncated)
        self._origins = IdentityCache(_origin)

    def encode(self, observation: Observation) -> Encoded:
        """One observation as two events. Never raises; what is too large is cut visibly (`limits`)."""
        return Encoded(b"", self._encode(observation, self._events), self.name)

    def _events(self, observation: Observation) -> bytes:
        origin = self._origins.of(observation.resource, observation.scope)
        event_id = f"{observation.trace_id}-{observation.span_id}"
        moment = iso_time(observation.end_ns)
        trace = Event(event_id + TRACE_EVENT_SUFFIX, moment, "trace-create", _trace(observation))
        return (
            to_json(trace)
            + b","
            + to_json(Event(event_id, moment, f"{observation.type}-create", _observation(observation, origin)))
        )


def _origin(resource: Resource, scope: InstrumentationScope | None) -> dict[str, msgspec.Raw]:
    """What Langfuse's OTLP endpoint adds to the metadata, encoded once."""
    origin = {"resourceAttributes": msgspec.Raw(to_json(origin_attributes(resource.attributes)))}
    if scope is not None:
        described = {"name": scope.name, "version": scope.version, "attributes": dict(scope.attributes or {})}
        origin["scope"] = msgspec.Raw(to_json(origin_attributes(described)))
    return origin


def _trace(observation: Observation) -> TraceBody:
    """The trace as far as this observation knows it; its name, input and output are the root's, as on the OTLP
    endpoint.
    """
    root = observation.is_app_root
    name = observation.trace_name or (observation.name if root else None)
    return TraceBody(
        id=observation.trace_id,
        timestamp=iso_time(observation.start_ns),
        name=trace_name(name) if name else None,
        user_id=observation.user_id,
        session_id=observation.session_id,
        tags=observation.tags,
        metadata=observation.trace_metadata,
        release=observation.release,
        version=observation.version,
        environment=observation.environment,
        public=observation.public,
        input=observation.input if root else None,
        output=observation.output if root else None,
    )


def _observation(observation: Observation, origin: dict[str, msgspec.Raw]) -> ObservationBody:
    common: dict[str, Any] = {
        "id": observation.span_id,
        "trace_id": observation.trace_id,
        "parent_observation_id": observation.parent_span_id,
        "name": observation.name,
        "start_time": iso_time(observation.start_ns),
        "level": observation.level,
        "status_message": observation.status_message,
        "version": observation.version,
        "environment": observation.environment,
        "metadata": {**origin, **observation.metadata, **observation.passthrough},
        "input": observation.input,
        "output": observation.output,
    }
    model_call = _model_call(observation)
    if observation.type not in ("span", "event"):
        return GenerationBody(**common, end_time=iso_time(observation.end_ns), **model_call)
    # These two have no place for a model call's fields, and the server drops fields that it does not know.
    common["metadata"].update({name: value for name, value in model_call.items() if value is not None})
    if observation.type == "event":
        return ObservationBody(**common)
    return SpanBody(**common, end_time=iso_time(observation.end_ns))


def _model_call(observation: Observation) -> dict[str, Any]:
    started, parameters = observation.completion_start_ns, observation.model_parameters
    return {
        "completion_start_time": None if started is None else iso_time(started),
        "model": observation.model,
        "model_parameters": {key: _parameter(value) for key, value in parameters.items()} if parameters else None,
        "usage_details": observation.usage or None,
        "cost_details": observation.cost or None,
        "prompt_name": observation.prompt_name if observation.prompt_version is not None else None,
        "prompt_version": observation.prompt_version if observation.prompt_name is not None else None,
    }


def _parameter(value: Any) -> Any:
    """A model parameter as the schema takes it: a scalar, a list or a map of texts, or else JSON text."""
    entries = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    return value if all(isinstance(entry, str) for entry in entries) else to_text(value)
