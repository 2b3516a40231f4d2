"""A span's row: every field by Langfuse's table of sources (langfuse-api.md, section 3.6)."""

from __future__ import annotations

from typing import Any

import msgspec

from langfuse_otel.json_safe import json_safe
from langfuse_otel.server.mapping.content import content
from langfuse_otel.server.mapping.cost import cost_from_attributes
from langfuse_otel.server.mapping.kind import observation_type
from langfuse_otel.server.mapping.metadata import metadata
from langfuse_otel.server.mapping.trace_fields import environment, session_id, tags, user_id
from langfuse_otel.server.mapping.usage import usage_from_attributes
from langfuse_otel.server.mapping.values import first, is_true, json_object, text
from langfuse_otel.server.moments import now_ms, parse_iso
from langfuse_otel.server.otlp_spans import Attributes, Span
from langfuse_otel.server.prices import price
from langfuse_otel.server.records import Observation

_MODEL = (
    "langfuse.observation.model.name",
    "gen_ai.response.model",
    "ai.model.id",
    "gen_ai.request.model",
    "llm.response.model",
    "llm.model_name",
    "model",
)
_LEVELS = {
    **dict.fromkeys(("DEBUG", "TRACE", "VERBOSE"), "DEBUG"),
    **dict.fromkeys(("DEFAULT", "INFO", "LOG", "NOTICE", "OK", "SUCCESS"), "DEFAULT"),
    **dict.fromkeys(("WARNING", "WARN"), "WARNING"),
    **dict.fromkeys(("ERROR", "FATAL", "CRITICAL"), "ERROR"),
}
_STATUS_ERROR = 2
_MAX_PROMPT_VERSION = 65_535


def to_observation(span: Span, received_ms: int | None = None) -> Observation:
    """The observation that Langfuse makes of a span."""
    attributes, source = span.attributes, span.source
    received_ms = now_ms() if received_ms is None else received_ms
    kind = observation_type(attributes)
    # Langfuse keeps no model, usage and cost of a span that only says to be an agent; ours say so in its own words.
    is_agent = attributes.get("gen_ai.operation.name") in ("invoke_agent", "agent_step")
    model = None if is_agent else text(first(attributes, _MODEL))
    usage = {} if is_agent else usage_from_attributes(attributes)
    given_cost = None if is_agent else cost_from_attributes(attributes)
    priced_as, cost = (None, given_cost) if given_cost is not None else price(model, usage)
    said = content(span)
    start_ms = (span.start_ns or span.end_ns) // 1_000_000 or received_ms
    prompt_name, prompt_version = _prompt(attributes) if kind == "GENERATION" else (None, None)
    return Observation(
        trace_id=span.trace_id,
        id=span.span_id,
        start_ms=start_ms,
        parent_id=span.parent_id,
        type=kind,
        name=text(first(attributes, ("gen_ai.tool.name", "logfire.msg"))) or span.name,
        end_ms=span.end_ns // 1_000_000 or start_ms,
        completion_start_ms=_completion_start(attributes),
        level=_level(attributes, span.status_code),
        status_message=text(attributes.get("langfuse.observation.status_message")) or span.status_message or None,
        version=text(attributes.get("langfuse.version") or source.resource.get("service.version")),
        release=text(attributes.get("langfuse.release") or source.resource.get("langfuse.release")),
        environment=environment(attributes, source),
        user_id=user_id(attributes),
        session_id=session_id(attributes),
        trace_name=text(first(attributes, ("langfuse.trace.name",))),
        tags=tags(attributes),
        public=any(is_true(attributes.get(name)) for name in ("langfuse.trace.public", "langfuse.public")),
        is_app_root=is_true(attributes.get("langfuse.internal.is_app_root")),
        model=model,
        model_parameters=_model_parameters(attributes),
        usage=usage,
        cost=cost or {},
        priced_as=priced_as,
        prompt_name=prompt_name,
        prompt_version=prompt_version,
        created_ms=received_ms,
        updated_ms=received_ms,
        metadata=json_safe(metadata(span, said.used)),
        input=said.input,
        output=said.output,
    )


def _level(attributes: Attributes, status_code: int) -> str:
    given = attributes.get("langfuse.observation.level")
    known = _LEVELS.get(given.strip().upper()) if isinstance(given, str) else None
    return known or ("ERROR" if status_code == _STATUS_ERROR else "DEFAULT")


def _completion_start(attributes: Attributes) -> int | None:
    given = attributes.get("langfuse.observation.completion_start_time")
    try:
        return parse_iso(given.strip('"')) if isinstance(given, str) else None
    except ValueError:
        return None


def _model_parameters(attributes: Attributes) -> dict[str, Any]:
    given = json_object(attributes.get("langfuse.observation.model.parameters"))
    if given is None:
        given = json_object(attributes.get("llm.invocation_parameters"))
    if given is None:
        prefix = "gen_ai.request."
        given = {
            name[len(prefix) :]: value
            for name, value in attributes.items()
            if name.startswith(prefix) and name != "gen_ai.request.model"
        }
    return {
        name: value if isinstance(value, (str, int, float)) and not isinstance(value, bool) else _as_json(value)
        for name, value in given.items()
    }


def _as_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _prompt(attributes: Attributes) -> tuple[str | None, int | None]:
    name = first(attributes, ("langfuse.observation.prompt.name", "langfuse.prompt.name"))
    version = first(attributes, ("langfuse.observation.prompt.version", "langfuse.prompt.version"))
    if isinstance(version, str) and version.isdecimal():
        version = int(version)
    fits = isinstance(version, int) and 0 < version <= _MAX_PROMPT_VERSION
    return (text(name), version) if name and fits else (None, None)
