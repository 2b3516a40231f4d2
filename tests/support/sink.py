"""A real HTTP server on the loopback interface that takes spans and misbehaves on demand.

It says which spans it has by id, so that a test can ask for a set and not for a number, and wait for that.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

OTLP_PATH = "/api/public/otel/v1/traces"
INGESTION_PATH = "/api/public/ingestion"


@dataclass(frozen=True)
class Request:
    """One request as it arrived; ``body`` is inflated."""

    path: str
    headers: dict[str, str]
    body: bytes
    at_s: float

    @property
    def span_ids(self) -> list[str]:
        """The spans in it, by id, in either wire."""
        if self.path == OTLP_PATH:
            return otlp_span_ids(self.headers, self.body)
        events = json.loads(self.body).get("batch", [])
        return [event["body"]["id"] for event in events if event["type"] not in ("trace-create", "score-create")]


@dataclass(frozen=True)
class Reply:
    """What to answer. ``stored``: whether the spans count as delivered."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    stored: bool = False


class Hang:
    """Answer nothing until the sink is closed."""


class Drip:
    """Begin a long answer, and go on with a byte ten times a second."""


class Reset:
    """Cut the connection instead of answering, with a TCP reset. ``stored``: the spans arrived nevertheless."""

    def __init__(self, stored: bool = False) -> None:
        self.stored = stored


Mode = Callable[[Request], "Reply | Hang | Drip | Reset"]

HTML = {"Content-Type": "text/html; charset=utf-8"}


def taken(request: Request) -> Reply:
    """As Langfuse answers: ``{}`` to OTLP, a list of successes to ingestion."""
    if request.path == INGESTION_PATH:
        successes = [{"id": event["id"], "status": 201} for event in json.loads(request.body)["batch"]]
        return Reply(207, json.dumps({"successes": successes, "errors": []}).encode(), stored=True)
    return Reply(stored=True)


def status(code: int, message: str = "no", **headers: str) -> Mode:
    """Always this status, with a message as Langfuse words it; header names with ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = json.dumps({"message": message}).encode()
    return lambda request: Reply(code, body, {"Content-Type": "application/json", **named})


def html(request: Request) -> Reply:
    """200 and a login page."""
    return Reply(200, b"<!doctype html><title>Sign in</title>", HTML)


def hang(request: Request) -> Hang:
    """No answer, ever."""
    return Hang()


def drip(request: Request) -> Drip:
    """An answer that takes for ever."""
    return Drip()


def reset(request: Request) -> Reset:
    """A connection cut after the request."""
    return Reset()


def over(limit_bytes: int) -> Mode:
    """413 for bodies (inflated) over the limit."""
    return lambda request: status(413)(request) if len(request.body) > limit_bytes else taken(request)


def poisoned_by(*span_ids: str) -> Mode:
    """400 for every request that holds one of these spans, as Langfuse refuses the whole export."""
    return lambda request: status(400, "bad span")(request) if set(request.span_ids) & {*span_ids} else taken(request)


class FaultSink(AbstractContextManager["FaultSink"]):
    """The server. ``mode`` decides each answer and may be replaced at any time.

    Args:
        mode: What to answer.
        port: 0 for a free one.
    """

    def __init__(self, mode: Mode = taken, port: int = 0) -> None:
        self.mode = mode
        self.requests: list[Request] = []
        self.delivered: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._connections: set[socket.socket] = set()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet, else each answer waits for a delayed acknowledgement

            def setup(self) -> None:
                super().setup()
                sink._connections.add(self.connection)

            def finish(self) -> None:
                sink._connections.discard(self.connection)
                super().finish()

            def do_POST(self) -> None:
                sink._answer(self)

            def log_request(self, code: object = None, size: object = None) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that went away
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_for(self, span_ids: set[str], timeout_s: float = 20.0) -> None:
        """Until all of these are delivered; fails with those that are missing."""
        self._wait(lambda: span_ids <= self.delivered.keys(), timeout_s)
        missing = span_ids - self.delivered.keys()
        assert not missing, f"{len(missing)} of {len(span_ids)} spans were not delivered"

    def wait_for_requests(self, count: int, timeout_s: float = 20.0) -> None:
        """Until so many requests have arrived, whatever was answered."""
        self._wait(lambda: len(self.requests) >= count, timeout_s)
        assert len(self.requests) >= count, f"{len(self.requests)} requests, not {count}"

    def close(self) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()
        self.drop_connections()  # as a process that ends: those kept alive go too

    def drop_connections(self) -> None:
        """As a server does with those that were idle for some time."""
        for connection in tuple(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _wait(self, reached: Callable[[], bool], timeout_s: float) -> None:
        with self._changed:
            self._changed.wait_for(reached, timeout_s)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        request = Request(handler.path, headers, body, time.monotonic())
        reply = self.mode(request)
        with self._changed:
            self.requests.append(request)
            if getattr(reply, "stored", False):
                self.delivered.update(request.span_ids)
            self._changed.notify_all()
        if isinstance(reply, Hang):
            self._closed.wait()
            handler.close_connection = True
        elif isinstance(reply, Drip):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
            while not self._closed.wait(0.1):
                handler.wfile.write(b" ")
                handler.wfile.flush()
            handler.close_connection = True
        elif isinstance(reply, Reset):
            linger_none = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)
            handler.connection.close()
            handler.close_connection = True
        else:
            handler.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(reply.body)


def otlp_span_ids(headers: dict[str, str], body: bytes) -> list[str]:
    """The ids of the spans in an OTLP request, JSON or protobuf."""
    if "json" in headers.get("content-type", ""):
        spans = [
            span
            for resource in json.loads(body).get("resourceSpans", [])
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]
        return [re.sub("[^0-9a-f]", "", span["spanId"].lower()) for span in spans]
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    message = ExportTraceServiceRequest.FromString(body)
    return [s.span_id.hex() for r in message.resource_spans for sc in r.scope_spans for s in sc.spans]
