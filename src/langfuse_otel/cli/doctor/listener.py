"""A stand-in for Langfuse on loopback that says yes to everything and remembers what was posted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Listener(ThreadingHTTPServer):
    """Keeps the bodies of all POST requests in ``posted``."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posted: list[bytes] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        self.server.posted.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self._answer(207 if self.path.endswith("/ingestion") else 200, b'{"successes":[],"errors":[]}')

    def do_GET(self) -> None:
        self._answer(200, b'{"status":"OK","version":"0.0.0","data":[]}')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: the report is the place for what happened."""


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener on a free port, for as long as the block runs."""
    with Listener() as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.05,), name="langfuse-doctor", daemon=True)
        thread.start()
        try:
            yield listener
        finally:
            listener.shutdown()
            thread.join()
