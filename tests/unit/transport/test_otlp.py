"""What an answer of the OTLP endpoint is taken for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from langfuse_otel.http import Answer
from langfuse_otel.transport.otlp import judge_otlp
from langfuse_otel.transport.outcome import (
    Accepted,
    Held,
    NotServed,
    Outcome,
    Partial,
    Refused,
    RetryAfter,
    Split,
    WireChanged,
)
from langfuse_otel.wire.encoded import Encoded

BATCH = [Encoded(b"", b"{}", "otlp")] * 5
JSON = {"Content-Type": "application/json"}


def judged(status: int, body: bytes | dict[str, object] = b"", **headers: str) -> Outcome:
    named = CaseInsensitiveDict({name.replace("_", "-"): value for name, value in headers.items()})
    return judge_otlp(Answer(status, body if isinstance(body, bytes) else json.dumps(body).encode(), named), BATCH)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"",
        b" \n",
        b'{"id":"7","name":"otel-ingestion-job","data":{"payload":{}}}',
        b"[]",
        b'{"partialSuccess":{}}',
    ],
)
def test_200_with_json_or_nothing_is_believed(body: bytes) -> None:
    assert judged(200, body) == Accepted()


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        (200, b"<!doctype html><title>Sign in</title>", "text/html"),
        (200, b"", "text/html; charset=utf-8"),
        (200, b'{"id":"7","na', "application/json"),
        (200, b"OK", "text/plain"),
        (200, b"\xff\xfe\x00", "application/octet-stream"),
        (204, b"", ""),
        (202, b"{}", "application/json"),
    ],
)
def test_no_other_success_is_believed(status: int, body: bytes, content_type: str) -> None:
    outcome = judged(status, body, content_type=content_type)

    assert type(outcome) is Held
    assert "LANGFUSE_BASE_URL" in outcome.reason


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_no_success_and_its_query_is_not_shown(status: int) -> None:
    outcome = judged(status, location="https://sso.example.com/login?token=geheim")

    assert type(outcome) is Held
    assert "https://sso.example.com/login" in outcome.reason
    assert "geheim" not in outcome.reason


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 507])
def test_what_fails_for_a_while_is_sent_again_when_the_server_says(status: int) -> None:
    assert judged(status, {"message": "busy"}, retry_after="7") == RetryAfter(f"HTTP {status}: busy", 7.0)
    assert judged(status, {"message": "busy"}) == RetryAfter(f"HTTP {status}: busy", None)


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_holds_the_spans_and_names_the_variables(status: int) -> None:
    outcome = judged(status, {"message": "Invalid credentials", "error": "UnauthorizedError"})

    assert type(outcome) is Held
    assert "Invalid credentials" in outcome.reason
    assert "LANGFUSE_SECRET_KEY" in outcome.reason


@pytest.mark.parametrize("status", [404, 405, 410])
def test_a_missing_endpoint_is_told_apart_because_another_wire_may_help(status: int) -> None:
    assert type(judged(status, b"<html>404</html>", content_type="text/html")) is NotServed


def test_413_asks_for_halves_and_400_for_the_bad_span() -> None:
    assert judged(413) == Split("HTTP 413: no explanation")
    assert judged(400, {"error": "Failed to parse"}) == Refused("HTTP 400: Failed to parse")
    assert type(judged(422, {"message": "x"})) is Refused


def test_a_status_that_nobody_foresaw_loses_nothing() -> None:
    assert type(judged(418, {"message": "teapot"})) is Held


@pytest.mark.parametrize(("count", "refused"), [("3", 3), (3, 3), (99, 5)])
def test_spans_that_a_collector_rejects_are_counted(count: object, refused: int) -> None:
    outcome = judged(200, {"partialSuccess": {"rejectedSpans": count, "errorMessage": "quota"}})

    assert outcome == Partial(refused_unnamed=refused, reason="quota")


@pytest.mark.parametrize("count", [0, "0", "many", None, -1, []])
def test_a_partial_success_that_rejects_nothing_is_a_success(count: object) -> None:
    assert judged(200, {"partialSuccess": {"rejectedSpans": count}}) == Accepted()


def test_an_explanation_is_cut() -> None:
    outcome = judged(500, {"message": "x" * 10_000})

    assert isinstance(outcome, RetryAfter)
    assert len(outcome.reason) < 400


@given(st.integers(100, 599), st.binary(max_size=200))
def test_any_answer_has_an_outcome_and_only_200_is_a_delivery(status: int, body: bytes) -> None:
    outcome = judged(status, body)

    assert not isinstance(outcome, WireChanged)
    if status != 200:
        assert not isinstance(outcome, (Accepted, Partial))
