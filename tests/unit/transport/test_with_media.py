"""Media go before their observations, and never keep them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

import pytest
from opentelemetry.sdk.resources import Resource

from langfuse_otel.media.medium import Medium
from langfuse_otel.media.upload import GivenUp, Later, NotServed, Uploaded, Uploads
from langfuse_otel.observation import Observation
from langfuse_otel.transport.outcome import Accepted, Held, Outcome, RetryAfter, WireChanged
from langfuse_otel.transport.with_media import MediaTransport
from langfuse_otel.wire.encoded import Encoded
from langfuse_otel.wire.otlp import OtlpWire

PNG = b"\x89PNG\r\n\x1a\n" + bytes(2_000)
DATA = base64.b64encode(PNG).decode()


def observation(text: str) -> Observation:
    return Observation(
        trace_id="a" * 32, span_id="b" * 16, name="chat", start_ns=0, end_ns=1, input=text, resource=Resource({})
    )


class Wire:
    name = "otlp"
    max_batch_bytes = 1_000_000

    def __init__(self) -> None:
        self.outcome: Outcome = Accepted()
        self.sent: list[Sequence[Encoded]] = []
        self._wire = OtlpWire()

    def encode(self, observation: Observation, max_bytes: int | None = None) -> Encoded:
        return self._wire.encode(observation)

    def send(self, batch: Sequence[Encoded], timeout_s: float) -> Outcome:
        assert timeout_s > 0
        self.sent.append(batch)
        return self.outcome


class Uploader:
    served = True

    def __init__(self) -> None:
        self.uploads: Uploads = Uploaded()
        self.asked: list[Medium] = []
        self.written_off: list[GivenUp] = []

    def upload(self, media: Iterable[Medium], timeout_s: float) -> Uploads:
        self.asked += media
        return self.uploads

    def write_off(self, given_up: GivenUp) -> None:
        self.written_off.append(given_up)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def uploader() -> Uploader:
    return Uploader()


@pytest.fixture
def transport(wire: Wire, uploader: Uploader) -> MediaTransport:
    return MediaTransport(wire, uploader, 50_000_000)  # type: ignore[arg-type]


def test_text_takes_the_way_it_always_took(transport: MediaTransport, wire: Wire, uploader: Uploader) -> None:
    encoded = transport.encode(observation("hello"))
    assert type(encoded) is Encoded
    assert transport.send([encoded], 5.0) == Accepted()
    assert transport.send([], 5.0) == Accepted()
    assert uploader.asked == []


def test_media_are_uploaded_and_referred_to(transport: MediaTransport, wire: Wire, uploader: Uploader) -> None:
    encoded = transport.encode(observation(DATA))
    assert b"@@@langfuseMedia:" in encoded.body
    assert DATA.encode() not in encoded.body
    assert OtlpWire().frame([encoded])
    assert transport.send([encoded], 5.0) == Accepted()
    assert [medium.content for medium in uploader.asked] == [PNG]
    assert wire.sent == [[encoded]]


def test_they_hold_their_observations_back_while_they_may_still_come(
    transport: MediaTransport, wire: Wire, uploader: Uploader
) -> None:
    uploader.uploads = Later("busy", 3.0)
    assert transport.send([transport.encode(observation(DATA))], 5.0) == RetryAfter("busy", 3.0)
    assert wire.sent == []


def test_they_are_written_off_only_when_their_observation_arrived(
    transport: MediaTransport, wire: Wire, uploader: Uploader
) -> None:
    given_up = uploader.uploads = GivenUp((), "broken")
    encoded = transport.encode(observation(DATA))
    wire.outcome = Held("keys")
    assert transport.send([encoded], 5.0) == Held("keys")
    assert uploader.written_off == []
    wire.outcome = Accepted()
    transport.send([encoded], 5.0)
    assert uploader.written_off == [given_up]


def test_without_a_media_api_observations_keep_their_media(
    transport: MediaTransport, wire: Wire, uploader: Uploader
) -> None:
    uploader.uploads = NotServed()
    assert transport.send([transport.encode(observation(DATA))], 5.0) == WireChanged()
    uploader.served = False
    assert DATA.encode() in transport.encode(observation(DATA)).body
