"""Records in the shapes of Langfuse's v3 API (langfuse-api.md, section 5.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from langfuse_otel.server.moments import iso, optional_iso
from langfuse_otel.server.records import Observation, Score, Session, Trace


def trace_shape(trace: Trace, project_id: str) -> dict[str, Any]:
    """``Trace``."""
    return {
        "id": trace.id,
        "timestamp": iso(trace.timestamp_ms),
        "name": trace.name,
        "input": _structure(trace.input),
        "output": _structure(trace.output),
        "sessionId": trace.session_id,
        "release": trace.release,
        "version": trace.version,
        "userId": trace.user_id,
        "metadata": trace.metadata,
        "tags": trace.tags,
        "public": trace.public,
        "environment": trace.environment,
        "bookmarked": False,
        "externalId": None,
        "projectId": project_id,
        "createdAt": iso(trace.created_ms),
        "updatedAt": iso(trace.updated_ms),
    }


def html_path(trace_id: str, project_id: str) -> str:
    """Where the user interface shows a trace."""
    return f"/project/{project_id}/traces/{trace_id}"


def observation_shape(one: Observation, project_id: str, prompt_ids: Mapping[tuple[str, int], str]) -> dict[str, Any]:
    """``ObservationsView``."""
    units = {kind: _sum(one.usage, kind) for kind in ("input", "output")} | {"total": one.usage.get("total", 0)}
    return {
        "id": one.id,
        "traceId": one.trace_id,
        "type": one.type,
        "name": one.name,
        "startTime": iso(one.start_ms),
        "endTime": optional_iso(one.end_ms),
        "completionStartTime": optional_iso(one.completion_start_ms),
        "model": one.model,
        "modelParameters": one.model_parameters,
        "input": _structure(one.input),
        "output": _structure(one.output),
        "version": one.version,
        "metadata": one.metadata,
        "level": one.level,
        "statusMessage": one.status_message,
        "parentObservationId": one.parent_id,
        "promptId": prompt_ids.get((one.prompt_name or "", one.prompt_version or 0)),
        "promptName": one.prompt_name,
        "promptVersion": one.prompt_version,
        "environment": one.environment,
        "projectId": project_id,
        "createdAt": iso(one.created_ms),
        "updatedAt": iso(one.updated_ms),
        "usage": {**units, "unit": "TOKENS" if one.usage else None},
        "unit": "TOKENS" if one.usage else None,
        "promptTokens": units["input"],
        "completionTokens": units["output"],
        "totalTokens": units["total"],
        "usageDetails": one.usage,
        "costDetails": one.cost,
        "usagePricingTierName": "Standard" if one.priced_as else None,
        "calculatedInputCost": _sum(one.cost, "input") if one.cost else None,
        "calculatedOutputCost": _sum(one.cost, "output") if one.cost else None,
        "calculatedTotalCost": one.cost.get("total"),
        "modelId": one.priced_as,
        "inputPrice": None,
        "outputPrice": None,
        "totalPrice": None,
        "latency": one.latency_s,
        "timeToFirstToken": one.time_to_first_token_s,
    }


def score_shape(score: Score, project_id: str) -> dict[str, Any]:
    """``Score``: always with a number, 0 where it is a text."""
    return {
        "id": score.id,
        "traceId": score.trace_id,
        "sessionId": score.session_id,
        "observationId": score.observation_id,
        "datasetRunId": None,
        "name": score.name,
        "value": 0 if score.value is None else score.value,
        **({} if score.string_value is None else {"stringValue": score.string_value}),
        "dataType": score.data_type,
        "source": score.source,
        "timestamp": iso(score.timestamp_ms),
        "environment": score.environment,
        "comment": score.comment,
        "metadata": score.metadata,
        "configId": score.config_id,
        "queueId": None,
        "authorUserId": None,
        "projectId": project_id,
        "createdAt": iso(score.created_ms),
        "updatedAt": iso(score.updated_ms),
    }


def session_shape(session: Session, project_id: str) -> dict[str, Any]:
    """``Session``."""
    return {
        "id": session.id,
        "createdAt": iso(session.created_ms),
        "projectId": project_id,
        "environment": session.environment,
    }


def _structure(text: str | None) -> Any:
    """JSON text as what it says, any other text as it is."""
    if text is None:
        return None
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return text


def _sum(counts: Mapping[str, float], kind: str) -> float:
    """What belongs to ``input`` or ``output``: all kinds with that word in their name."""
    return sum(count for name, count in counts.items() if kind in name)
