"""How ``POST /api/public/ingestion`` answers: per event, whatever the status of the whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from langfuse_otel.http import Answer
from langfuse_otel.transport.answer import failure, json_body, not_langfuse
from langfuse_otel.transport.outcome import Accepted, Held, NotServed, Outcome, Partial
from langfuse_otel.wire.encoded import Encoded

_NOT_ACCEPTED = "Event type not accepted"  # a server in mode events_only: traces come by OTLP only
_ID = re.compile(rb'"id":("(?:[^"\\]|\\.)*")')


def judge_ingestion(answer: Answer, batch: Sequence[Encoded]) -> Outcome:
    """Believe 207 with lists of successes and errors, and no other success (langfuse-api.md, section 2)."""
    failed = failure(answer)
    if failed is not None:
        return failed
    body = json_body(answer)
    if not isinstance(body, dict) or not isinstance(body.get("errors"), list) or "successes" not in body:
        return not_langfuse(answer)
    errors = [error for error in body["errors"] if isinstance(error, dict)]
    if not errors:
        return Accepted()
    if not body["successes"]:  # is it the events, or whoever sends them?
        if all(_NOT_ACCEPTED in _reason(error) for error in errors):
            return NotServed(f"{_reason(errors[0])}: this server takes traces by OTLP only; set wire=otlp, or auto")
        if all(error.get("status") in (401, 403) for error in errors):
            return Held(f"{_reason(errors[0])}; check LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY")
    return _by_position(errors, batch)


def _by_position(errors: Sequence[dict[str, Any]], batch: Sequence[Encoded]) -> Partial:
    """The spans that the failed events belong to. A span with two is refused if one of them is."""
    positions: dict[str, int] = {}
    for position, item in enumerate(batch):
        for text in _ID.findall(item.body):
            positions.setdefault(msgspec.json.decode(text), position)
    retry: set[int] = set()
    refused: dict[int, str] = {}
    unnamed = 0
    for error in errors:
        named = positions.get(str(error.get("id")))
        status = error.get("status")
        if named is None:
            unnamed += 1
        elif status in (408, 429) or (isinstance(status, int) and status >= 500):
            retry.add(named)
        else:
            refused[named] = _reason(error)
    retry -= refused.keys()
    unnamed = min(unnamed, len(batch) - len(retry) - len(refused))
    return Partial(tuple(sorted(retry)), refused, unnamed, _reason(errors[0]))


def _reason(error: dict[str, Any]) -> str:
    said = (error.get("message"), error.get("error"))
    return ": ".join(part for part in said if isinstance(part, str))[:300] or f"status {error.get('status')}"
