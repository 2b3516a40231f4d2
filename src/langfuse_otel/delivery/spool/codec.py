"""How an observation stands on disk: JSON of ``observation.Observation``, resource and scope as JSON text inside."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langfuse_otel.identity_cache import IdentityCache
from langfuse_otel.json_encoding import encoder, to_text
from langfuse_otel.json_safe import json_safe, well_formed
from langfuse_otel.observation import Observation
from langfuse_otel.wire.repair import repaired


def to_bytes(observation: Observation) -> bytes:
    """An observation as it goes to disk. Never raises; what JSON cannot hold is repaired visibly."""
    try:
        return _encode(observation)
    except Exception:
        return _encode(repaired(observation))


def from_bytes(body: bytes) -> Observation:
    """The observation again; messages are plain dicts now, which every wire writes alike.

    Raises:
        msgspec.DecodeError: It is no observation (also ``ValidationError``).
    """
    return _decode(body)


class _Scope(msgspec.Struct):
    name: str
    version: str | None
    schema_url: str | None
    attributes: dict[str, Any]


_decode_scope = msgspec.json.Decoder(_Scope).decode


def _resource_text(resource: Resource) -> str:
    return to_text([json_safe(dict(resource.attributes)), _safe(resource.schema_url)])


def _scope_text(scope: InstrumentationScope) -> str:
    attributes = json_safe(dict(scope.attributes or {}))
    return to_text(_Scope(_safe(scope.name) or "", _safe(scope.version), _safe(scope.schema_url), attributes))


def _safe(text: object) -> str | None:
    return None if text is None else well_formed(str(text))


_resources = IdentityCache(_resource_text)
_scopes = IdentityCache(_scope_text)


# One object for all observations of one origin: whatever encodes them knows it by identity.
@lru_cache(maxsize=256)
def _resource(text: str) -> Resource:
    attributes, schema_url = msgspec.json.decode(text)
    return Resource(attributes, schema_url)


@lru_cache(maxsize=256)
def _scope(text: str) -> InstrumentationScope:
    scope = _decode_scope(text)
    return InstrumentationScope(scope.name, scope.version, scope.schema_url, scope.attributes)


def _written(value: Any) -> str:
    if isinstance(value, Resource):
        return _resources.of(value)
    if isinstance(value, InstrumentationScope):
        return _scopes.of(value)
    return str(value)


def _read(kind: type, text: str) -> Any:
    return _resource(text) if kind is Resource else _scope(text)


_encode = encoder(_written)
_decode = msgspec.json.Decoder(Observation, dec_hook=_read).decode
