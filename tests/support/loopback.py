"""A real HTTP server on the loopback interface whose every answer the test writes itself, byte by byte if need be."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


@dataclass(frozen=True)
class Received:
    """One request as it arrived; ``target`` is the path with its query, still encoded. Header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    client_port: int


Answer = Callable[[BaseHTTPRequestHandler, Received], None]


def reply(status: int = 200, body: bytes = b"{}", **headers: str) -> Answer:
    """Always this answer; header names with ``_`` for ``-``."""
    named = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}

    def answer(handler: BaseHTTPRequestHandler, received: Received) -> None:
        handler.send_response(status)
        for name, value in {**named, "Content-Length": str(len(body))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def raw(*parts: bytes) -> Answer:
    """These bytes and then the end of the connection."""

    def answer(handler: BaseHTTPRequestHandler, received: Received) -> None:
        for part in parts:
            handler.wfile.write(part)
            handler.wfile.flush()
        handler.close_connection = True

    return answer


class Loopback(AbstractContextManager["Loopback"]):
    """The server. ``answer`` may be replaced at any time.

    Args:
        answer: Writes the answer to a request.
        tls: Speaks TLS with this context.
    """

    def __init__(self, answer: Answer | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer or reply()
        self.requests: list[Received] = []
        self.closing = threading.Event()
        self._changed = threading.Condition()
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet
            disable_nagle_algorithm = True  # else what follows a flush waits 40 ms for an acknowledgement

            def do_GET(self) -> None:
                loopback._serve(self)

            do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 512

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that went away
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def hang(self, handler: BaseHTTPRequestHandler, received: Received) -> None:
        """An ``Answer`` that never comes."""
        self.closing.wait()
        handler.close_connection = True

    def drip(self, first: bytes) -> Answer:
        """``first``, and then a byte ten times a second until the server is closed."""

        def answer(handler: BaseHTTPRequestHandler, received: Received) -> None:
            handler.wfile.write(first)
            while not self.closing.wait(0.1):
                handler.wfile.write(b" ")
                handler.wfile.flush()

        return answer

    def wait_for_requests(self, count: int) -> None:
        """Until so many requests have arrived."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= count, 20), f"only {self.requests}"

    def close(self) -> None:
        """Be no longer there."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        received = Received(handler.command, handler.path, headers, body, handler.client_address[1])
        with self._changed:
            self.requests.append(received)
            self._changed.notify_all()
        self.answer(handler, received)
