"""Scores go to their endpoint, all else where it went before."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from langfuse_otel.conventions.registry import read
from langfuse_otel.observation import Observation, Score
from langfuse_otel.transport.outcome import Accepted, NotServed, Outcome, Refused, RetryAfter
from langfuse_otel.transport.with_scores import ScoreTransport
from langfuse_otel.wire.encoded import Encoded
from support.spans import finished

WORK = read(finished()[0])
SCORE = msgspec.structs.replace(WORK, score=Score(id="s", name="n", type="NUMERIC", subject="trace", value=1.0))


class Remembering:
    """A transport that keeps what it is asked to send."""

    max_batch_bytes = 1_000

    def __init__(self, name: str, outcome: Outcome) -> None:
        self.name, self.outcome = name, outcome
        self.sent: list[Sequence[Encoded]] = []

    def encode(self, observation: Observation, max_bytes: int | None = None) -> Encoded:
        return Encoded(b"", observation.name.encode(), self.name)

    def send(self, batch: Sequence[Encoded], timeout_s: float) -> Outcome:
        self.sent.append(batch)
        return self.outcome


def test_each_goes_to_its_endpoint() -> None:
    spans, scores = Remembering("otlp", Accepted()), Remembering("scores", Accepted())
    transport = ScoreTransport(spans, scores)
    for observation in (WORK, SCORE):
        assert transport.send([transport.encode(observation)], 1) == Accepted()
    assert [[item.wire for item in batch] for batch in spans.sent] == [["otlp"]]
    assert [[item.wire for item in batch] for batch in scores.sent] == [["scores"]]


def test_an_empty_batch_asks_the_wire_of_the_spans() -> None:
    spans, scores = Remembering("otlp", Accepted()), Remembering("scores", Accepted())
    ScoreTransport(spans, scores).send((), 1)
    assert (len(spans.sent), len(scores.sent)) == (1, 0)


@pytest.mark.parametrize(
    ("answered", "told"),
    [
        (RetryAfter("later", 2.0), RetryAfter("later", 2.0)),
        (NotServed("HTTP 404"), Refused("this server takes no scores: HTTP 404")),
    ],
)
def test_a_server_without_scores_does_not_hold_the_spans_back(answered: Outcome, told: Outcome) -> None:
    transport = ScoreTransport(Remembering("otlp", Accepted()), Remembering("scores", answered))
    assert transport.send([transport.encode(SCORE)], 1) == told
