"""gunicorn and uvicorn with several workers: each worker delivers its own spans, and nothing has to be configured."""

from __future__ import annotations

import http.client
import signal
import socket
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.app import PRELUDE, App, assert_all_delivered
from support.sink import FaultSink

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no fork there")

WSGI = """
import time
tracing()
end_spans(2)  # where the application is loaded: the master with --preload
def application(environ, start_response):
    end_spans(3)
    if environ["PATH_INFO"] == "/hang":
        time.sleep(3600)
    start_response("200 OK", [("Content-Length", "0")])
    return [b""]
"""
ASGI = """
tracing()
async def application(scope, receive, send):
    assert scope["type"] == "http"
    end_spans(3)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
"""


class Served(App):
    """A server on a port of its own, which takes connections before the workers do."""

    def __init__(self, source: str, command: Sequence[str], folder: Path, url: str, **env: str) -> None:
        (folder / "served.py").write_text(PRELUDE + source)
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
            self.port = listener.getsockname()[1]
            fd = listener.fileno()
            arguments = [argument.replace("{fd}", str(fd)) for argument in command]
            super().__init__([sys.executable, "-m", *arguments], url, cwd=folder, pass_fds=(fd,), **env)

    def get(self, path: str = "/") -> int:
        """The status that a worker answers with; 0 when it went away."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (http.client.HTTPException, ConnectionError):
            return 0
        finally:
            connection.close()

    def get_many(self, count: int) -> None:
        with ThreadPoolExecutor(4) as clients:
            assert {*clients.map(lambda _: self.get(), range(count))} == {200}


GUNICORN = ["gunicorn", "served:application", "--bind", "fd://{fd}", "--log-level", "error"]


@pytest.mark.parametrize(
    "load", [["--preload", "--max-requests", "10"], ["--max-requests", "20"]], ids=["preload", "each loads"]
)
def test_gunicorn_loses_nothing_over_reloads_and_retired_workers(
    load: list[str], delivery: dict[str, str], tmp_path: Path
) -> None:
    command = [*GUNICORN, "--workers", "2", *load]
    with FaultSink() as sink, Served(WSGI, command, tmp_path, sink.url, **delivery) as app:
        app.get_many(30)
        app.process.send_signal(signal.SIGHUP)
        app.get_many(30)
        ended = app.end(signal.SIGTERM)

        assert ended.code == 0, ended.errors
        assert len(ended.span_ids) >= 3 * 60 + 2
        assert_all_delivered(sink, ended.span_ids, delivery)


def test_a_worker_that_gunicorn_aborts_for_its_timeout_loses_nothing(delivery: dict[str, str], tmp_path: Path) -> None:
    command = [*GUNICORN, "--preload", "--workers", "1", "--timeout", "1"]
    with FaultSink() as sink, Served(WSGI, command, tmp_path, sink.url, **delivery) as app:
        assert app.get("/hang") in (0, 500)  # cut off, or an error page from the worker that ends
        assert app.get() == 200  # another worker has taken its place
        ended = app.end(signal.SIGTERM)

        assert_all_delivered(sink, ended.span_ids, delivery)


def test_uvicorn_loses_nothing_although_it_ends_its_workers_by_a_signal(
    delivery: dict[str, str], tmp_path: Path
) -> None:
    command = ["uvicorn", "served:application", "--fd", "{fd}", "--workers", "2", "--log-level", "error"]
    with FaultSink() as sink, Served(ASGI, [*command, "--lifespan", "off"], tmp_path, sink.url, **delivery) as app:
        app.get_many(40)
        ended = app.end(signal.SIGTERM)

        assert len(ended.span_ids) == 3 * 40
        assert_all_delivered(sink, ended.span_ids, delivery)


def test_uvicorn_in_one_process_loses_nothing(delivery: dict[str, str], tmp_path: Path) -> None:
    command = ["uvicorn", "served:application", "--fd", "{fd}", "--log-level", "error", "--lifespan", "off"]
    with FaultSink() as sink, Served(ASGI, command, tmp_path, sink.url, **delivery) as app:
        app.get_many(10)
        ended = app.end(signal.SIGTERM)

        assert len(ended.span_ids) == 3 * 10
        assert_all_delivered(sink, ended.span_ids, delivery)
