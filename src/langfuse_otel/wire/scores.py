"""Scores for ``/api/public/ingestion``, which takes them from every server, whatever wire its traces need.

The endpoint made for them, ``/api/public/scores``, takes one a request or many, depending on the server's version; this
one takes many from each, says which of them it refuses, and stays where it refuses traces (langfuse-api.md, sections 0
and 5.2).
"""

from __future__ import annotations

from typing import Any

import msgspec

from langfuse_otel.json_encoding import to_json, to_text
from langfuse_otel.json_safe import json_safe
from langfuse_otel.observation import Observation
from langfuse_otel.wire.encoded import Encoded
from langfuse_otel.wire.ingestion_batch import Event, IngestionBatch
from langfuse_otel.wire.iso_time import iso_time
from langfuse_otel.wire.limits import truncate_text

LEFT_OUT = "[left out]"
"""Stands for a text that a policy took away; a score without a value would be refused."""

_MAX_TEXT_CHARACTERS = 500


class ScoreBody(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    id: str
    name: str
    value: float | str
    data_type: str
    trace_id: str | None = None
    observation_id: str | None = None
    session_id: str | None = None
    comment: str | None = None
    config_id: str | None = None
    metadata: dict[str, Any] = {}
    environment: str | None = None


class ScoreWire(IngestionBatch):
    """Writes observations that stand for scores as ``score-create`` events. Thread-safe.

    Args:
        on_truncated: Called for each score that is cut to fit ``max_batch_bytes``.
    """

    name = "scores"
    events_each = 1

    def encode(self, observation: Observation) -> Encoded:
        """One score; its comment, text and metadata are cut where it is too large."""
        return Encoded(b"", self._encode(observation, _event), self.name)


def _event(observation: Observation) -> bytes:
    # The event's id is the span's: sent again, it overwrites itself.
    event_id = f"{observation.trace_id}-{observation.span_id}"
    return to_json(Event(event_id, iso_time(observation.start_ns), "score-create", _body(observation)))


def _body(observation: Observation) -> ScoreBody:
    score = observation.score
    if score is None:
        raise ValueError("not a score")
    of_session, of_observation = score.subject == "session", score.subject == "observation"
    return ScoreBody(
        id=score.id,
        name=score.name,
        value=_text(observation, score.type == "TEXT") if score.value is None else score.value,
        data_type=score.type,
        trace_id=None if of_session else observation.trace_id,
        observation_id=observation.parent_span_id if of_observation else None,
        session_id=observation.session_id if of_session else None,
        comment=observation.status_message,
        config_id=score.config_id,
        metadata=observation.metadata,
        environment=observation.environment,
    )


def _text(observation: Observation, is_short: bool) -> str:
    """The output as text; the server takes 500 characters of a ``TEXT``."""
    said = observation.output
    text = said if isinstance(said, str) else LEFT_OUT if said is None else to_text(json_safe(said))
    return truncate_text(text, _MAX_TEXT_CHARACTERS) if is_short and len(text) > _MAX_TEXT_CHARACTERS else text
