"""Answers that hold what is still to come."""

from __future__ import annotations

import gc
import io
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from langfuse_otel.instrumentation import Endpoint, Server
from langfuse_otel.instrumentation.bodies import EventSource, ReadAside
from langfuse_otel.instrumentation.call import Telemetry, begin
from langfuse_otel.instrumentation.content import ContentPolicy
from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.instrumentation.metrics import Metrics
from langfuse_otel.instrumentation.stream import Progress


class _Pieces:
    def __init__(self) -> None:
        self.pieces: list[Any] = []

    def add(self, piece: Any) -> bool:
        self.pieces.append(piece)
        return False

    def response(self) -> list[Any]:
        return self.pieces


ENDPOINT = Endpoint(
    operation="chat",
    server=lambda _: Server("echo_inc"),
    response=lambda pieces: {"pieces": [piece.decode() if isinstance(piece, bytes) else piece for piece in pieces]},
    accumulator=_Pieces,
)


@pytest.fixture
def recording() -> Recording:
    return Recording()


@pytest.fixture
def progress(recording: Recording) -> Progress:
    metrics = Metrics(recording.meter_provider.get_meter("test"))
    telemetry = Telemetry(recording.tracer_provider.get_tracer("test"), metrics, ContentPolicy())
    call = begin(ENDPOINT, telemetry, None, {})
    assert call is not None
    return Progress(call)


class Source:
    """Iterable more than once: each loop goes on where the last one stopped."""

    def __init__(self) -> None:
        self._events = iter("abc")
        self.closed = False

    def __iter__(self) -> Iterator[str]:
        yield from self._events

    def close(self) -> None:
        self.closed = True


def test_a_source_stays_what_it_is(progress: Progress) -> None:
    watched = EventSource(Source(), progress)
    assert isinstance(watched, Source)
    assert list(watched) == ["a", "b", "c"]


def test_a_drained_source_ends_the_call(progress: Progress, recording: Recording) -> None:
    list(EventSource(Source(), progress))
    assert recording.attributes["pieces"] == ("a", "b", "c")
    assert recording.span.status.status_code is StatusCode.UNSET


def test_a_loop_that_is_left_ends_nothing(progress: Progress, recording: Recording) -> None:
    watched = EventSource(Source(), progress)
    for _ in watched:
        break
    gc.collect()
    assert recording.spans == ()
    assert list(watched) == ["b", "c"]
    assert recording.attributes["pieces"] == ("a", "b", "c")


def test_closing_a_source_ends_the_call_without_error(progress: Progress, recording: Recording) -> None:
    source = Source()
    EventSource(source, progress).close()
    assert source.closed
    assert recording.span.status.status_code is StatusCode.UNSET


def test_a_source_that_is_dropped_is_abandoned_but_not_while_it_is_looped_over(
    progress: Progress, recording: Recording
) -> None:
    loop = iter(EventSource(Source(), progress))
    gc.collect()
    assert next(loop) == "a"
    assert recording.spans == ()
    del loop
    gc.collect()
    assert recording.attributes["error.type"] == "_OTHER"


def _readinto(raw: Any) -> bytes:
    buffer, data = bytearray(3), b""
    while count := raw.readinto(buffer):
        data += buffer[:count]
    return data


@pytest.mark.parametrize("length", [None, 11])
@pytest.mark.parametrize(
    "read",
    [
        lambda raw: raw.read(),
        lambda raw: raw.read(-1),
        lambda raw: raw.read(100),
        lambda raw: b"".join(iter(lambda: raw.read(4), b"")),
        lambda raw: b"".join(iter(raw.readline, b"")),
        lambda raw: b"".join(raw.readlines()),
        lambda raw: b"".join(raw),
        _readinto,
    ],
)
def test_bytes_are_copied_aside_however_they_are_read(
    progress: Progress, recording: Recording, read: Any, length: int | None
) -> None:
    assert read(ReadAside(io.BytesIO(b"hello\nthere"), progress, length)) == b"hello\nthere"
    assert recording.span.status.status_code is StatusCode.UNSET
    assert "".join(recording.attributes["pieces"]) == "hello\nthere"


def test_a_body_that_fails_ends_the_call_with_that_error(progress: Progress, recording: Recording) -> None:
    class Broken(io.BytesIO):
        def read(self, amt: int | None = None) -> bytes:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        ReadAside(Broken(), progress).read()
    assert recording.attributes["error.type"] == "ConnectionResetError"


def test_a_body_that_is_dropped_half_read_is_abandoned(progress: Progress, recording: Recording) -> None:
    raw = ReadAside(io.BytesIO(b"hello"), progress, 5)
    raw.read(2)
    del raw
    gc.collect()
    assert recording.attributes["error.type"] == "_OTHER"
