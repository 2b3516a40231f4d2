"""Langfuse's own attributes (langfuse-api.md, sections 3.5 to 3.9 and 6.3): what they say always wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from langfuse_otel.conventions import prompt, usage, values
from langfuse_otel.conventions.convention import Convention, Field
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.json_safe import json_safe
from langfuse_otel.observation import Level, ObservationType

_TYPES = frozenset(get_args(ObservationType))
_LEVELS: dict[str, Level] = {
    **dict.fromkeys(("DEBUG", "TRACE", "VERBOSE"), "DEBUG"),
    **dict.fromkeys(("DEFAULT", "INFO", "LOG", "NOTICE", "OK", "SUCCESS"), "DEFAULT"),
    **dict.fromkeys(("WARNING", "WARN"), "WARNING"),
    **dict.fromkeys(("ERROR", "FATAL", "CRITICAL"), "ERROR"),
}
_ENVIRONMENT_KEYS = ("langfuse.environment", "deployment.environment.name", "deployment.environment")
_PROMPT_KEYS = (
    ("langfuse.observation.prompt.name", "langfuse.observation.prompt.version"),
    ("langfuse.prompt.name", "langfuse.prompt.version"),
)
_OBSERVATION_METADATA = ("langfuse.observation.metadata", "langfuse.metadata")
_TRACE_METADATA = "langfuse.trace.metadata"
_USAGE = "langfuse.observation.usage_details"
_COST = "langfuse.observation.cost_details"
_UNKNOWN = "langfuse."
_SDK_SCOPE = "langfuse-sdk"


def _type(value: object) -> str | None:
    name = value.lower() if isinstance(value, str) else None
    return name if name in _TYPES else None


def _level(value: object) -> str | None:
    return _LEVELS.get(value.strip().upper()) if isinstance(value, str) else None


def _compose(reader: Reader) -> None:
    if reader.mine:
        _environment(reader)
        for name_key, version_key in _PROMPT_KEYS:
            prompt.offer(reader, name_key, version_key)
        _offer_entries(reader, "usage", _USAGE, usage.details)
        _offer_entries(reader, "cost", _COST, usage.cost_details)
    reader.metadata.update(_metadata(reader, *_OBSERVATION_METADATA))
    reader.offer("trace_metadata", _metadata(reader, _TRACE_METADATA) or None)
    _passthrough(reader)


def _environment(reader: Reader) -> None:
    """The first environment that has a usable name; the original is kept when it had to be changed."""
    for key in _ENVIRONMENT_KEYS:
        original = values.text(reader.mine.get(key))
        name = values.environment(original) if original else None
        if name and reader.wants("environment"):
            reader.offer("environment", name)
            if name == original:
                del reader.mine[key]


def _offer_entries(reader: Reader, field: str, key: str, parse: Callable[[object], tuple[object, bool]]) -> None:
    """Offer the usable entries of a JSON object; the attribute stays in the metadata unless all were."""
    entries, complete = parse(reader.mine.get(key))
    if entries:
        reader.offer(field, entries)
        if complete:
            del reader.mine[key]


def _metadata(reader: Reader, *keys: str) -> dict[str, Any]:
    """Metadata that come entry by entry and as an object, and if there is a second key, by that as well.

    The first value of an entry wins, in this order; an attribute with another one stays as well, under its own key. So
    does what is no object, which Langfuse drops.
    """
    metadata: dict[str, Any] = {}
    for key in keys:
        for name, value in _by_key(reader, key + ".").items():
            if metadata.setdefault(name, value) != value:
                reader.put_back((f"{key}.{name}",))
        whole = values.json_object(reader.mine.get(key)) or {}
        lost = [name for name, value in whole.items() if metadata.setdefault(name, value) != value]
        if whole and not lost:
            del reader.mine[key]
    return metadata


def _by_key(reader: Reader, prefix: str) -> dict[str, Any]:
    """The entries of a family; Langfuse's SDK 5 writes texts in JSON quotes, and older servers show them so."""
    found = reader.family(prefix)
    if not found:
        return found
    scope = reader.span.instrumentation_scope
    quoted = scope is not None and scope.name.startswith(_SDK_SCOPE)
    return {key: json_safe(values.unquoted(value) if quoted else value) for key, value in found.items()}


def _passthrough(reader: Reader) -> None:
    unknown = reader.family(_UNKNOWN)
    if unknown:
        reader.offer("passthrough", {_UNKNOWN + key: json_safe(value) for key, value in unknown.items()})


CONVENTION = Convention(
    name="langfuse",
    fields={
        "langfuse.observation.type": Field("type", _type),
        "langfuse.observation.level": Field("level", _level),
        "langfuse.observation.status_message": Field("status_message", values.text),
        "langfuse.observation.model.name": Field("model", values.text),
        "langfuse.observation.model.parameters": Field("model_parameters", values.json_object),
        "langfuse.observation.completion_start_time": Field("completion_start_ns", values.moment_ns),
        "langfuse.observation.input": Field("input", values.content),
        "langfuse.observation.output": Field("output", values.content),
        "langfuse.internal.is_app_root": Field("is_app_root", values.flag),
        "langfuse.trace.name": Field("trace_name", values.text),
        "langfuse.trace.tags": Field("tags", values.tags),
        "langfuse.tags": Field("tags", values.tags),
        "langfuse.observation.metadata.langfuse_tags": Field("tags", values.tags),
        "langfuse.trace.metadata.langfuse_tags": Field("tags", values.tags),
        "langfuse.trace.public": Field("public", values.flag),
        "langfuse.public": Field("public", values.flag),
        "langfuse.user.id": Field("user_id", values.identifier),
        "user.id": Field("user_id", values.identifier),
        "langfuse.observation.metadata.langfuse_user_id": Field("user_id", values.identifier),
        "langfuse.trace.metadata.langfuse_user_id": Field("user_id", values.identifier),
        "langfuse.session.id": Field("session_id", values.identifier),
        "session.id": Field("session_id", values.identifier),
        "langfuse.observation.metadata.langfuse_session_id": Field("session_id", values.identifier),
        "langfuse.trace.metadata.langfuse_session_id": Field("session_id", values.identifier),
        "langfuse.version": Field("version", values.identifier),
        "langfuse.release": Field("release", values.identifier),
    },
    parts=frozenset(
        (
            *_ENVIRONMENT_KEYS,
            *(key for pair in _PROMPT_KEYS for key in pair),
            *_OBSERVATION_METADATA,
            _TRACE_METADATA,
            _USAGE,
            _COST,
        )
    ),
    families=(*(key + "." for key in _OBSERVATION_METADATA), _TRACE_METADATA + ".", _UNKNOWN),
    compose=_compose,
    composes={
        "environment": _ENVIRONMENT_KEYS,
        "prompt_name": tuple(name for name, _ in _PROMPT_KEYS),
        "prompt_version": tuple(version for _, version in _PROMPT_KEYS),
        "usage": (_USAGE,),
        "cost": (_COST,),
        "metadata": tuple(name for key in _OBSERVATION_METADATA for name in (f"{key}.*", key)),
        "trace_metadata": (f"{_TRACE_METADATA}.*", _TRACE_METADATA),
        "passthrough": (f"{_UNKNOWN}* (any other)",),
    },
)
