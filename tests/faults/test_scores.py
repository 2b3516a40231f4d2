"""Scores in bad weather: they wait as spans do, are masked as spans are, and never stand in the spans' way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from langfuse_otel.exporter import LangfuseSpanExporter
from langfuse_otel.processor import LangfuseSpanProcessor
from langfuse_otel.tracing import score, span
from support.sink import INGESTION_PATH, FaultSink, Mode, Reply, Request, status, taken

KEYS = {"public_key": "pk-lf-1", "secret_key": "sk-lf-secret"}


def scores_in(request: Request) -> list[dict[str, Any]]:
    """Bodies of the scores in a request."""
    if request.path != INGESTION_PATH:
        return []
    return [event["body"] for event in json.loads(request.body)["batch"] if event["type"] == "score-create"]


def judged(mode: Mode, **settings: Any) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Counts after one span and its scores were sent to a server that behaves so, and the scores that it took."""
    took: list[dict[str, Any]] = []

    def answer(request: Request) -> Any:
        reply = mode(request)
        if isinstance(reply, Reply) and reply.stored:
            took.extend(scores_in(request))
        return reply

    with FaultSink(answer) as sink:
        exporter = LangfuseSpanExporter(**KEYS, base_url=sink.url, retry_initial_s=0.01, retry_max_s=0.02, **settings)
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(LangfuseSpanProcessor(exporter))
        with span("work", tracer_provider=provider):
            score(name="good", value=1, comment="said by ada@example.com", tracer_provider=provider)
            score(name="why", value="ask ada@example.com", data_type="TEXT", tracer_provider=provider)
        exporter.force_flush(20_000)
        provider.shutdown()
        counts = dict(exporter.status().counts)
    return counts, took


def failing(times: int, code: int) -> Mode:
    """Scores are refused so often before they are taken."""
    left = [times]

    def answer(request: Request) -> Any:
        if scores_in(request) and left[0] > 0:
            left[0] -= 1
            return status(code)(request)
        return taken(request)

    return answer


def test_they_are_sent_again_until_the_server_takes_them() -> None:
    counts, took = judged(failing(2, 503))
    assert (counts["delivered"], counts["retried"]) == (3, 2)
    assert [one["name"] for one in took] == ["good", "why"]
    assert len({one["id"] for one in took}) == 2


@pytest.mark.parametrize("delivery", ["best_effort", "at_least_once"])
def test_a_server_without_scores_refuses_them_and_takes_the_spans(delivery: str) -> None:
    def no_scores(request: Request) -> Any:
        return status(404)(request) if scores_in(request) else taken(request)

    counts, took = judged(no_scores, delivery=delivery, wire="otlp")
    assert (counts["delivered"], counts["refused"]) == (1, 2)
    assert took == []


def test_one_that_is_refused_does_not_take_the_others_with_it() -> None:
    def picky(request: Request) -> Any:
        if not scores_in(request):
            return taken(request)
        events = json.loads(request.body)["batch"]
        bad = [
            {"id": event["id"], "status": 400, "message": "no"} for event in events if event["body"]["name"] == "why"
        ]
        good = [{"id": event["id"], "status": 201} for event in events if event["body"]["name"] != "why"]
        return Reply(207, json.dumps({"successes": good, "errors": bad}).encode(), stored=True)

    counts, _ = judged(picky)
    assert (counts["delivered"], counts["refused"]) == (2, 1)


def test_comments_and_texts_are_masked_as_content_is() -> None:
    _, took = judged(taken, mask=["email"])
    assert [one.get("comment") for one in took] == ["said by [email]", None]
    assert took[1]["value"] == "ask [email]"


def test_texts_are_left_out_where_outputs_are() -> None:
    _, took = judged(taken, capture="none")
    assert [one["value"] for one in took] == [1.0, "[left out]"]
