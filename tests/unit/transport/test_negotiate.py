"""Finding out which wire a server takes."""

from __future__ import annotations

import logging

import pytest

from langfuse_otel import log
from langfuse_otel.conventions.registry import read
from langfuse_otel.transport.negotiate import AutoTransport
from langfuse_otel.transport.outcome import Accepted, Held, NotServed, Refused, RetryAfter, WireChanged
from support.spans import finished
from support.transports import ScriptedTransport

OBSERVATION = read(finished()[0])
GONE = NotServed("HTTP 404")


class Server:
    """Which endpoints there are, and an ``auto`` transport to it."""

    def __init__(self, *, otlp: bool, ingestion: bool) -> None:
        self.otlp, self.ingestion = otlp, ingestion
        self.by_otlp = ScriptedTransport(rule=lambda ids: Accepted() if self.otlp else GONE, name="otlp")
        self.by_ingestion = ScriptedTransport(rule=lambda ids: Accepted() if self.ingestion else GONE, name="ingestion")
        self.auto = AutoTransport(self.by_otlp, self.by_ingestion)

    def send(self) -> object:
        return self.auto.send([self.auto.encode(OBSERVATION)], 5.0)


def test_otlp_is_taken_where_the_server_has_it() -> None:
    server = Server(otlp=True, ingestion=True)

    assert server.send() == Accepted()
    assert server.auto.name == "otlp"
    assert [len(batch) for batch in server.by_otlp.batches] == [0, 1]
    assert server.by_ingestion.batches == []


def test_it_asks_once() -> None:
    server = Server(otlp=True, ingestion=True)
    server.send()
    server.send()

    assert [len(batch) for batch in server.by_otlp.batches] == [0, 1, 1]


def test_ingestion_is_taken_where_there_is_no_otlp_and_spans_are_encoded_anew() -> None:
    server = Server(otlp=False, ingestion=True)

    assert server.send() == WireChanged()
    assert server.auto.name == "ingestion"
    assert server.send() == Accepted()
    assert [len(batch) for batch in server.by_ingestion.batches] == [1]


def test_a_server_that_stops_to_take_ingestion_is_sent_otlp() -> None:
    server = Server(otlp=False, ingestion=True)
    server.send()
    server.otlp, server.ingestion = True, False

    assert server.send() == WireChanged()
    assert server.auto.name == "otlp"
    assert server.send() == Accepted()


def test_a_server_that_stops_to_take_otlp_is_sent_ingestion() -> None:
    server = Server(otlp=True, ingestion=True)
    server.send()
    server.otlp = False

    assert server.send() == WireChanged()
    assert server.send() == Accepted()
    assert server.auto.name == "ingestion"


def test_a_server_with_neither_holds_the_spans_until_it_has_one() -> None:
    server = Server(otlp=False, ingestion=False)
    assert server.send() == WireChanged()

    held = server.send()
    assert type(held) is Held
    assert "neither" in held.reason

    server.otlp = True
    assert server.send() == WireChanged()
    assert server.send() == Accepted()
    assert server.auto.name == "otlp"


@pytest.mark.parametrize("outcome", [RetryAfter("refused"), Held("HTTP 401")])
def test_a_server_that_cannot_be_asked_decides_nothing(outcome: RetryAfter | Held) -> None:
    server = Server(otlp=True, ingestion=True)
    server.by_otlp.script = [outcome]

    assert server.send() == outcome
    assert server.auto.name == "auto (undecided)"
    assert server.send() == Accepted()


def test_an_endpoint_that_dislikes_an_empty_request_is_there() -> None:
    server = Server(otlp=True, ingestion=True)
    server.by_otlp.script = [Refused("HTTP 400: empty")]

    assert server.send() == Accepted()
    assert server.auto.name == "otlp"


def test_which_wire_it_is_stands_in_the_log(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(log, "_once", log.RateLimit(float("inf")))
    with caplog.at_level(logging.INFO, "langfuse_otel"):
        Server(otlp=False, ingestion=True).send()

    assert "ingestion: the server has no OTLP endpoint" in caplog.text
