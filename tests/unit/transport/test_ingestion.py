"""What an answer of the ingestion endpoint is taken for."""

from __future__ import annotations

import json

import pytest
from requests.structures import CaseInsensitiveDict

from langfuse_otel.http import Answer
from langfuse_otel.transport.ingestion import judge_ingestion
from langfuse_otel.transport.outcome import Accepted, Held, NotServed, Outcome, Partial, RetryAfter
from langfuse_otel.wire.encoded import Encoded


def span(number: int) -> Encoded:
    """Two events of one span, as the wire writes them; each span is the child of the one before."""
    trace = {"id": f"t{number}", "type": "trace-create", "body": {"id": "trace"}}
    body = {"id": f"s{number}", "traceId": "trace", "parentObservationId": f"s{number - 1}"}
    event = {"id": f"e{number}", "type": "span-create", "body": body}
    return Encoded(b"", b",".join(json.dumps(e, separators=(",", ":")).encode() for e in (trace, event)), "ingestion")


BATCH = [span(number) for number in range(4)]


def error(event: str, status: int, message: str = "Invalid request data") -> dict[str, object]:
    return {"id": event, "status": status, "message": message}


def judged(*errors: dict[str, object], successes: bool = True, status: int = 207) -> Outcome:
    body = {"successes": [{"id": "t0", "status": 201}] if successes else [], "errors": list(errors)}
    return judge_ingestion(Answer(status, json.dumps(body).encode(), CaseInsensitiveDict()), BATCH)


def test_a_list_without_errors_is_a_delivery() -> None:
    assert judged() == Accepted()


def test_what_fails_for_a_while_is_told_from_what_is_refused() -> None:
    outcome = judged(error("e1", 500, "queue"), error("e2", 400, "bad date"), error("e3", 429))

    assert outcome == Partial(retry=(1, 3), refused={2: "bad date"}, reason="queue")


def test_a_span_with_one_refused_event_is_refused_whatever_the_other_says() -> None:
    outcome = judged(error("t1", 500), error("e1", 400, "bad date"))

    assert outcome == Partial(refused={1: "bad date"}, reason="Invalid request data")


def test_an_error_without_a_known_id_is_counted() -> None:
    assert judged(error("unknown", 400, "no id")) == Partial(refused_unnamed=1, reason="no id")


def test_the_refusal_of_all_traces_means_another_wire() -> None:
    outcome = judged(*[error(f"e{n}", 400, "Event type not accepted") for n in range(4)], successes=False)

    assert type(outcome) is NotServed


def test_the_refusal_of_all_for_want_of_rights_holds_the_spans() -> None:
    outcome = judged(*[error(f"e{n}", 401, "Authentication error") for n in range(4)], successes=False)

    assert type(outcome) is Held
    assert "LANGFUSE_SECRET_KEY" in outcome.reason


@pytest.mark.parametrize("body", [b"{}", b"", b"[]", b"<html>", b'{"successes":[],"err'])
def test_a_success_without_both_lists_is_not_believed(body: bytes) -> None:
    assert type(judge_ingestion(Answer(200, body, CaseInsensitiveDict()), BATCH)) is Held


def test_a_failure_of_the_whole_is_judged_by_its_status() -> None:
    answer = Answer(503, b"", CaseInsensitiveDict({"Retry-After": "2"}))

    assert judge_ingestion(answer, BATCH) == RetryAfter("HTTP 503: no explanation", 2.0)
