"""uWSGI with several workers, which it forks without telling Python: nothing has to be configured either.

Runs where ``pyuwsgi`` is installed: uWSGI itself, as a module.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import re
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.app import PRELUDE, App, adopt, assert_all_delivered
from support.sink import FaultSink

pytestmark = pytest.mark.skipif(importlib.util.find_spec("pyuwsgi") is None, reason="pyuwsgi is not installed")

WSGI = """
tracing()
end_spans(2)  # where the application is loaded: the master, or each worker with lazy-apps
def application(environ, start_response):
    end_spans(3)
    start_response("200 OK", [("Content-Length", "0")])
    return [b""]
"""


STATS = "stats"  # a socket in the folder
SERVE = ["--http-socket", "127.0.0.1:0", "--wsgi-file", "served.py", "--disable-logging", "--workers", "2"]
MANAGE = ["--die-on-term", "--stats", STATS]  # else SIGTERM reloads


class Served(App):
    """uWSGI with two workers, on a port of its own choice."""

    def __init__(self, folder: Path, url: str, *options: str, **env: str) -> None:
        (folder / "served.py").write_text(PRELUDE + WSGI)
        run = "import pyuwsgi; pyuwsgi.run()"
        super().__init__([sys.executable, "-c", run, *SERVE, *MANAGE, *options], url, cwd=folder, **env)
        loads = 2 if "--lazy-apps" in options else 1
        self.wait_for(
            lambda: self.errors.count("spawned uWSGI worker") == 2 and self.errors.count(") ready in ") == loads
        )
        found = re.search(r"127\.0\.0\.1:(\d+) \(port auto-assigned\)", self.errors)
        assert found, self.errors
        self.port = int(found[1])
        self._stats = folder / STATS

    def get(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status
        finally:
            connection.close()

    def get_many(self, count: int) -> None:
        with ThreadPoolExecutor(4) as clients:
            assert {*clients.map(lambda _: self.get(), range(count))} == {200}

    def is_idle(self) -> bool:
        """Whether uWSGI is through with all requests: a worker that is not runs no exit hooks at SIGTERM."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._stats))
            told = json.loads(b"".join(iter(lambda: connection.recv(65_536), b"")))
        return all(core["in_request"] == 0 for worker in told["workers"] for core in worker["cores"])


MODES = {
    "prefork": ["--master"],
    "each loads": ["--master", "--lazy-apps"],
    "threads": ["--master", "--threads", "2"],
    "workers retire": ["--master", "--max-requests", "7"],
}


@pytest.mark.parametrize("options", MODES.values(), ids=MODES.keys())
def test_uwsgi_loses_nothing_and_no_worker_dies(options: list[str], delivery: dict[str, str], tmp_path: Path) -> None:
    with FaultSink() as sink, Served(tmp_path, sink.url, *options, **delivery) as app:
        app.get_many(40)
        app.wait_for(app.is_idle)
        ended = app.end(signal.SIGTERM)

        assert ended.code == 0, ended.errors
        assert "DAMN" not in ended.errors  # what uWSGI says of a worker that died
        assert len(ended.span_ids) >= 3 * 40 + 2
        assert_all_delivered(sink, ended.span_ids, delivery)


def test_nothing_on_disk_is_lost_whatever_uwsgi_is_at_when_it_ends(durable: dict[str, str], tmp_path: Path) -> None:
    with FaultSink() as sink:
        with Served(tmp_path, sink.url, "--master", **durable) as app:
            app.get_many(40)
            app.process.send_signal(signal.SIGTERM)
            app.wait_for(lambda: "killing workers" in app.errors)
            span_ids = app.span_ids
        adopt(sink, span_ids, durable)
