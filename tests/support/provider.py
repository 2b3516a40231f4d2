"""A loopback server that speaks as a provider of models does; subclasses know the protocol."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, ClassVar

from support.loopback import Loopback, Received


class Provider(AbstractContextManager["Provider"], ABC):
    """Answers with what a test puts in.

    Attributes:
        status: Of the next answers, first come; 200 when it is empty.
        hold: While set and not yet released, a stream stops before its ``hold_at``-th event, any other answer before
            it is sent.
        asked: Set when a request has come.
        requests: Bodies, as ``read`` understands them.
        headers: Of the requests, names in lower case.
        paths: Of the requests.
    """

    hold_at: ClassVar[int]
    answer_headers: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        self.status: list[int] = []
        self.hold: threading.Event | None = None
        self.asked = threading.Event()
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self._loopback = Loopback(self._serve)

    @abstractmethod
    def error(self, status: int) -> dict[str, Any]:
        """The body of an error."""

    @abstractmethod
    def events_for(self, path: str, body: dict[str, Any]) -> Iterable[Any] | None:
        """The events of a stream, None if the request asks for none; an exception among them breaks the connection."""

    @abstractmethod
    def reply_for(self, path: str, body: dict[str, Any]) -> dict[str, Any] | bytes:
        """What to answer otherwise: JSON, or an audio file."""

    @abstractmethod
    def encode(self, event: Any, path: str) -> bytes:
        """An event as it is on the wire."""

    def read(self, received: Received) -> dict[str, Any]:
        """The body of a request."""
        body: dict[str, Any] = json.loads(received.body)
        return body

    def stream_type(self, path: str) -> str:
        """The content type of a stream."""
        return "text/event-stream"

    @property
    def url(self) -> str:
        return self._loopback.url

    @property
    def port(self) -> int:
        return int(self._loopback.url.rpartition(":")[2])

    def close(self) -> None:
        """Be no longer there."""
        if self.hold is not None:
            self.hold.set()
        self._loopback.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _serve(self, handler: BaseHTTPRequestHandler, received: Received) -> None:
        path, body = received.target, self.read(received)
        self.requests.append(body)
        self.headers.append(received.headers)
        self.paths.append(path)
        self.asked.set()
        status = self.status.pop(0) if self.status else 200
        if status != 200:
            self._send(handler, status, self.error(status))
        elif (events := self.events_for(path, body)) is not None:
            self._send_stream(handler, path, events)
        else:
            self._wait()
            self._send(handler, 200, self.reply_for(path, body))

    def _wait(self) -> None:
        if self.hold is not None:
            self.hold.wait(10)

    def _send(self, handler: BaseHTTPRequestHandler, status: int, body: dict[str, Any] | bytes) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        content_type = "audio/mpeg" if isinstance(body, bytes) else "application/json"
        self._begin(handler, status, {"content-type": content_type, "content-length": str(len(data))})
        handler.wfile.write(data)

    def _send_stream(self, handler: BaseHTTPRequestHandler, path: str, events: Iterable[Any]) -> None:
        handler.close_connection = True
        kind = {"content-type": self.stream_type(path), "connection": "close", "transfer-encoding": "chunked"}
        self._begin(handler, 200, kind)
        for number, event in enumerate(events):
            if isinstance(event, Exception):
                return
            if number == self.hold_at:
                self._wait()
            data = self.encode(event, path)
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            handler.wfile.flush()
        handler.wfile.write(b"0\r\n\r\n")

    def _begin(self, handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
        handler.send_response(status)
        for name, value in {**headers, **self.answer_headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
