"""Scores as ingestion events."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from langfuse_otel.observation import Observation, Score
from langfuse_otel.wire.scores import ScoreWire

HELPFUL = Score(id="s", name="helpful", type="NUMERIC", subject="observation", value=1.0)


@pytest.fixture
def judged(observation: Callable[..., Observation]) -> Callable[..., dict[str, Any]]:
    """The event of one score."""

    def encode(score: Score, **fields: Any) -> dict[str, Any]:
        wire = ScoreWire()
        encoded = wire.encode(observation(score=score, parent_span_id="c" * 16, session_id="chat", **fields))
        (event,) = json.loads(wire.frame([encoded]))["batch"]
        return dict(event)

    return encode


def changed(score: Score, **fields: Any) -> Score:
    return Score(**{**{name: getattr(score, name) for name in score.__struct_fields__}, **fields})


def test_the_event_is_named_after_the_span_so_that_sent_again_it_overwrites_itself(judged: Any) -> None:
    event = judged(HELPFUL)
    assert (event["id"], event["type"]) == (f"{'a' * 32}-{'b' * 16}", "score-create")
    assert event["body"] == {
        "id": "s",
        "name": "helpful",
        "value": 1.0,
        "dataType": "NUMERIC",
        "traceId": "a" * 32,
        "observationId": "c" * 16,
    }


def test_of_a_trace_it_names_no_observation(judged: Any) -> None:
    body = judged(changed(HELPFUL, subject="trace"))["body"]
    assert body["traceId"] == "a" * 32
    assert body.keys().isdisjoint({"observationId", "sessionId"})


def test_of_a_session_it_names_nothing_else(judged: Any) -> None:
    body = judged(changed(HELPFUL, subject="session"))["body"]
    assert body["sessionId"] == "chat"
    assert body.keys().isdisjoint({"observationId", "traceId"})


def test_a_free_text_that_was_left_out_leaves_a_note(judged: Any) -> None:
    text = changed(HELPFUL, type="TEXT", value=None)
    assert judged(text, output="well done")["body"]["value"] == "well done"
    assert judged(text)["body"]["value"] == "[left out]"


def test_a_text_has_500_characters_at_most(judged: Any) -> None:
    text = changed(HELPFUL, type="TEXT", value=None)
    assert len(judged(text, output="x" * 501)["body"]["value"]) <= 500
    assert judged(text, output="ä" * 500)["body"]["value"] == "ä" * 500


def test_what_is_too_large_is_cut_visibly(observation: Callable[..., Observation]) -> None:
    cut: list[None] = []
    wire = ScoreWire(on_truncated=lambda: cut.append(None))
    encoded = wire.encode(observation(score=HELPFUL, status_message="x" * 4_000_000))
    assert len(encoded.body) < wire.max_batch_bytes
    assert len(cut) == 1
    assert "[truncated: 4,000,000 bytes]" in json.loads(encoded.body)["body"]["comment"]


def test_lone_surrogates_are_escaped(judged: Any) -> None:
    assert judged(HELPFUL, status_message="\ud800")["body"]["comment"] == "\\ud800"
