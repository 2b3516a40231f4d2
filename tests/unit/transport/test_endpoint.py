"""One wire at a real server: from a span to an outcome."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from langfuse_otel.conventions.registry import read
from langfuse_otel.http import HttpClient
from langfuse_otel.transport.endpoint import Endpoint
from langfuse_otel.transport.otlp import judge_otlp
from langfuse_otel.transport.outcome import Accepted, Refused, RetryAfter
from langfuse_otel.wire.otlp import OtlpWire
from support.sink import OTLP_PATH, FaultSink, Mode, hang, reset, status, taken
from support.spans import finished, span_ids


@contextmanager
def endpoint(mode: Mode = taken, *, compress: bool = True) -> Iterator[tuple[FaultSink, Endpoint]]:
    with FaultSink(mode) as sink:
        client = HttpClient(sink.url, "pk-lf-1", "sk-lf-1")
        yield sink, Endpoint(client, OtlpWire(), judge_otlp, compress=compress)
        client.close()


@pytest.mark.parametrize("compress", [True, False])
def test_spans_arrive_as_they_left(compress: bool) -> None:
    spans = finished(20, gen_ai_operation_name="chat")
    with endpoint(compress=compress) as (sink, it):
        assert it.send([it.encode(read(span)) for span in spans], 5.0) == Accepted()

        assert sink.delivered.keys() == span_ids(spans)
        (request,) = sink.requests
        assert request.path == OTLP_PATH
        assert request.headers.get("content-encoding") == ("gzip" if compress else None)
        assert request.headers["x-langfuse-ingestion-version"] == "4"


def test_an_empty_request_is_one_that_the_server_can_read() -> None:
    with endpoint() as (sink, it):
        assert it.send([], 5.0) == Accepted()
        assert sink.requests[0].span_ids == []


def test_the_servers_answer_becomes_an_outcome() -> None:
    with endpoint(status(400, "bad span")) as (_, it):
        assert it.send([], 5.0) == Refused("HTTP 400: bad span")


def test_the_servers_wish_to_wait_is_passed_on() -> None:
    with endpoint(status(429, "slow down", Retry_After="3")) as (_, it):
        assert it.send([], 5.0) == RetryAfter("HTTP 429: slow down", 3.0)


def test_a_cut_connection_is_to_be_retried() -> None:
    with endpoint(reset) as (_, it):
        assert isinstance(it.send([], 5.0), RetryAfter)


def test_a_server_that_hangs_costs_the_time_it_was_given() -> None:
    with endpoint(hang) as (_, it):
        outcome = it.send([], 0.1)

        assert isinstance(outcome, RetryAfter)
        assert "0.1 s" in outcome.reason


def test_a_server_that_is_not_there_is_to_be_retried() -> None:
    with FaultSink() as sink:
        url = sink.url
    it = Endpoint(HttpClient(url, "pk-lf-1", "sk-lf-1"), OtlpWire(), judge_otlp, compress=True)

    assert isinstance(it.send([], 5.0), RetryAfter)
