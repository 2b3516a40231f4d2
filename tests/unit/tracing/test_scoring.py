"""Scores by hand: of what, with which values, and what becomes of those that cannot be."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from langfuse_otel.observation import Score
from langfuse_otel.tracing import LiveObservation, observe, score, span
from support.spans import Collector
from support.told import Told

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def scored(told: Told) -> Score:
    """The only score."""
    (only,) = [observation.score for observation in told.all if observation.score is not None]
    return only


class Numpy:
    """As NumPy's scalars and one-element tensors are."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def item(self) -> Any:
        return self._value


def test_inside_an_observation_it_is_of_that(told: Told) -> None:
    @observe
    def answer() -> str | None:
        return score(name="helpful", value=1)

    score_id = answer()

    judged, function = told.all
    assert judged.score == Score(id=str(score_id), name="helpful", type="NUMERIC", subject="observation", value=1.0)
    assert (judged.trace_id, judged.parent_span_id) == (function.trace_id, function.span_id)


def test_it_says_all_that_it_is_given(told: Told) -> None:
    with span("work"):
        score(
            name="tone",
            value="friendly",
            comment="says please",
            metadata={"by": "ada"},
            config_id="c-1",
            id="s-1",
            environment="staging",
            timestamp=NOON,
        )

    judged = told.all[0]
    assert judged.score == Score(
        id="s-1", name="tone", type="CATEGORICAL", subject="observation", value="friendly", config_id="c-1"
    )
    assert (judged.status_message, judged.metadata, judged.environment) == ("says please", {"by": "ada"}, "staging")
    assert judged.start_ns == judged.end_ns == int(NOON.timestamp()) * 10**9


def test_one_that_has_ended_can_be_scored(told: Told) -> None:
    with span("work") as work:
        pass
    score(name="late", value=True, observation=work)

    assert (told.all[1].parent_span_id, told.all[1].trace_id) == (work.id, work.trace_id)


@pytest.mark.parametrize("of", ["observation", "trace"])
def test_it_is_of_the_observation_or_of_its_trace(told: Told, of: Any) -> None:
    with span("work"):
        score(name="n", value=1, of=of)

    assert scored(told).subject == of


def test_a_trace_and_an_observation_of_another_process_can_be_scored(told: Told) -> None:
    score(name="n", value=1, trace_id="ab" * 16)
    score(name="n", value=1, trace_id="ab" * 16, observation_id="cd" * 8)

    of_trace, of_observation = told.all
    assert (of_trace.trace_id, of_trace.score and of_trace.score.subject) == ("ab" * 16, "trace")
    assert (of_observation.trace_id, of_observation.parent_span_id) == ("ab" * 16, "cd" * 8)
    assert of_observation.score is not None
    assert of_observation.score.subject == "observation"


def test_a_session_can_be_scored_and_no_sampler_leaves_that_out(told: Told) -> None:
    collector = Collector()
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(0.01)), shutdown_on_exit=False)
    provider.add_span_processor(collector)
    for number in range(20):
        score(name="n", value=1, session_id=f"chat-{number}", tracer_provider=provider)

    judged = Told(collector, provider).all
    assert [observation.session_id for observation in judged] == [f"chat-{number}" for number in range(20)]
    assert {observation.score and observation.score.subject for observation in judged} == {"session"}


def test_what_is_not_sampled_is_not_scored(told: Told) -> None:
    collector = Collector()
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(0)), shutdown_on_exit=False)
    provider.add_span_processor(collector)
    with span("work", tracer_provider=provider):
        assert score(name="n", value=1, tracer_provider=provider)
    assert collector.spans == []


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        (0.5, "NUMERIC", 0.5),
        (3, "NUMERIC", 3.0),
        (True, "BOOLEAN", 1.0),
        (False, "BOOLEAN", 0.0),
        ("good", "CATEGORICAL", "good"),
        (Decimal("0.25"), "NUMERIC", 0.25),
        (Numpy(0.75), "NUMERIC", 0.75),
        (Numpy(True), "BOOLEAN", 1.0),
    ],
)
def test_the_type_is_what_the_value_looks_like(told: Told, value: Any, kind: str, said: object) -> None:
    with span("work"):
        score(name="n", value=value)

    assert (scored(told).type, scored(told).value) == (kind, said)


def test_a_given_type_wins(told: Told) -> None:
    with span("work"):
        score(name="n", value=1, data_type="BOOLEAN")

    assert (scored(told).type, scored(told).value) == ("BOOLEAN", 1.0)


@pytest.mark.parametrize("kind", ["TEXT", "CORRECTION"])
def test_a_free_text_is_content(told: Told, kind: Any) -> None:
    with span("work"):
        score(name="n", value="say it so", data_type=kind)

    assert (scored(told).type, scored(told).value, told.all[0].output) == (kind, None, "say it so")


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": float("nan")},
        {"value": float("inf")},
        {"value": 10**400},
        {"value": None},
        {"value": object()},
        {"value": ""},
        {"value": 0.5, "data_type": "BOOLEAN"},
        {"value": "yes", "data_type": "NUMERIC"},
        {"value": 1, "data_type": "TEXT"},
        {"value": 1, "data_type": "STARS"},
        {"value": 1, "name": ""},
        {"value": 1, "trace_id": "no id"},
    ],
)
def test_what_no_score_can_be_is_said_and_not_sent(
    told: Told, wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with span("work"):
        assert score(**{"name": "odd", **wrong}) is None

    assert [observation.score for observation in told.all] == [None]


def test_two_subjects_at_once_are_a_mistake() -> None:
    with pytest.raises(TypeError, match="of an observation, of a trace by its id, or of a session"):
        score(name="n", value=1, trace_id="ab" * 16, session_id="chat")
    with pytest.raises(TypeError):
        score(name="n", value=1, observation_id="cd" * 8)


def test_outside_of_any_observation_nothing_is_sent(told: Told) -> None:
    assert score(name="n", value=1) is None
    assert score(name="n", value=1, observation=LiveObservation(trace.INVALID_SPAN)) is None
    assert told.spans == []


def test_a_lone_surrogate_does_no_harm(told: Told) -> None:
    with span("work"):
        score(name="n\ud800", value="v\ud800", comment="c\ud800")

    assert scored(told).name == "n\\ud800"
