"""``POST /api/public/ingestion``: the older wire, event by event (langfuse-api.md, section 2)."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from langfuse_otel.server.body import read_body
from langfuse_otel.server.context import local
from langfuse_otel.server.event_bodies import Event, ObservationBody, TraceBody
from langfuse_otel.server.merge import merge_observation, merge_trace
from langfuse_otel.server.moments import now_ms
from langfuse_otel.server.score_store import ScoreBody, store_score
from langfuse_otel.server.store import Store
from langfuse_otel.server.typed import decode

MAX_BODY_BYTES = 4_500_000
"""Of a request, as in Langfuse."""

_OBSERVATIONS = {
    **dict.fromkeys(("span-create", "span-update"), "SPAN"),
    **dict.fromkeys(("generation-create", "generation-update"), "GENERATION"),
    "event-create": "EVENT",
    **{
        f"{kind}-create": kind.upper()
        for kind in ("agent", "tool", "chain", "retriever", "evaluator", "embedding", "guardrail")
    },
}


class _Batch(msgspec.Struct):
    batch: list[msgspec.Raw]


async def _ingest(request: Request) -> Response:
    body = await read_body(request, MAX_BODY_BYTES)
    try:
        batch = decode(body, _Batch).batch
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return JSONResponse({"message": "Invalid request data", "errors": [{"message": str(error)}]}, 400)
    return JSONResponse(await run_in_threadpool(_store, local(request).store, batch), 207)


def _store(store: Store, batch: list[msgspec.Raw]) -> dict[str, list[dict[str, Any]]]:
    """Store what is valid; one bad event does not stop the others."""
    successes: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    events: list[Event] = []
    for raw in batch:
        try:
            event = decode(raw, Event)
            event.moment_ms()
            events.append(event)
        except (ValueError, msgspec.DecodeError) as error:
            errors.append(_refused(_id_of(raw), error))
    # By time, updates after what they update; sorting keeps the order of equals.
    events.sort(key=lambda event: (event.type.endswith("-update"), event.moment_ms()))
    received_ms = now_ms()
    with store.write() as connection:
        for event in events:
            if event.type == "sdk-log":
                continue  # Langfuse counts these nowhere
            try:
                if event.type == "trace-create":
                    trace = decode(event.body, TraceBody)
                    merge_trace(connection, trace, event.moment_ms(), received_ms)
                elif event.type == "score-create":
                    store_score(connection, decode(event.body, ScoreBody), received_ms)
                elif event.type in _OBSERVATIONS:
                    observation = decode(event.body, ObservationBody)
                    merge_observation(
                        connection, _OBSERVATIONS[event.type], observation, event.moment_ms(), received_ms
                    )
                else:
                    raise ValueError(f"Invalid event type {event.type!r}")
            except (ValueError, msgspec.DecodeError) as error:
                errors.append(_refused(event.id, error))
            else:
                successes.append({"id": event.id, "status": 201})
    return {"successes": successes, "errors": errors}


def _id_of(raw: msgspec.Raw) -> str:
    decoded = msgspec.json.decode(raw)
    found = decoded.get("id") if isinstance(decoded, dict) else None
    return found if isinstance(found, str) and found else "unknown"


def _refused(event_id: str, error: Exception) -> dict[str, Any]:
    return {"id": event_id, "status": 400, "message": "Invalid request data", "error": str(error)}


ROUTES = [Route("/api/public/ingestion", _ingest, methods=["POST"])]
