"""What ``doctor`` says of the server, asked over loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from langfuse_otel.cli.doctor.finding import Finding, Outcome
from langfuse_otel.cli.doctor.reach import check

Answers = dict[str, tuple[int, object]]
Serve = Callable[[Answers], str]

HEALTH = "/api/public/health"
PROJECTS = "/api/public/projects"
OTLP = "/api/public/otel/v1/traces"
INGESTION = "/api/public/ingestion"
WELL: Answers = {
    HEALTH: (200, {"status": "OK", "version": "4.16.0"}),
    PROJECTS: (200, {"data": [{"id": "p1", "name": "demo"}]}),
    OTLP: (200, {}),
    INGESTION: (207, {"successes": [], "errors": []}),
}


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[ThreadingHTTPServer] = []

    def serve(answers: Answers) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, body = answers.get(self.path, (404, {"message": "no such route"}))
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def findings(url: str, **env: str) -> dict[str, Finding]:
    keys = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-0123456789abcdef"}
    return {finding.name: finding for finding in check({**keys, "LANGFUSE_BASE_URL": url, **env})}


def test_a_langfuse_that_knows_the_keys_is_well(serve: Serve) -> None:
    found = findings(serve(WELL))
    assert {name: finding.outcome for name, finding in found.items()} == dict.fromkeys(
        ("reach", "auth", "wire"), Outcome.OK
    )
    assert "Langfuse 4.16.0" in found["reach"].detail
    assert "demo" in found["auth"].detail
    assert found["wire"].detail.startswith("otlp")


def test_a_server_that_does_not_answer_is_a_fault(serve: Serve) -> None:
    found = findings("http://127.0.0.1:9")
    assert found["reach"].outcome is Outcome.FAULT
    assert "LANGFUSE_BASE_URL" in found["reach"].fix


@pytest.mark.parametrize("health", [(200, "hello"), (404, {}), (302, {})])
def test_a_server_that_is_no_langfuse_is_a_fault(serve: Serve, health: tuple[int, object]) -> None:
    found = findings(serve({HEALTH: health}))
    assert found["reach"].outcome is Outcome.FAULT
    assert "auth" not in found


def test_wrong_keys_are_a_fault_in_the_server_s_words(serve: Serve) -> None:
    found = findings(serve({**WELL, PROJECTS: (401, {"message": "Invalid credentials"})}))
    assert found["auth"].outcome is Outcome.FAULT
    assert "Invalid credentials" in found["auth"].detail
    assert "LANGFUSE_SECRET_KEY" in found["auth"].fix


def test_without_keys_the_server_is_still_asked_whether_it_is_there(serve: Serve) -> None:
    found = findings(serve(WELL), LANGFUSE_SECRET_KEY="")
    assert found["reach"].outcome is Outcome.OK
    assert found["auth"].outcome is Outcome.NOTE


def test_auto_takes_ingestion_where_there_is_no_otlp(serve: Serve) -> None:
    old = {path: answer for path, answer in WELL.items() if path != OTLP}
    assert findings(serve(old))["wire"].detail.startswith("ingestion (chosen")


def test_otlp_by_choice_on_a_server_without_it_is_a_fault(serve: Serve) -> None:
    old = {path: answer for path, answer in WELL.items() if path != OTLP}
    found = findings(serve(old), OTEL_EXPORTER_LANGFUSE_WIRE="otlp")
    assert found["wire"].outcome is Outcome.FAULT
    assert "OTEL_EXPORTER_LANGFUSE_WIRE=auto" in found["wire"].fix


def test_ingestion_by_choice_is_what_is_asked(serve: Serve) -> None:
    found = findings(serve(WELL), OTEL_EXPORTER_LANGFUSE_WIRE="ingestion")
    assert found["wire"].detail.startswith("ingestion (as set)")


def test_a_malformed_setting_asks_nobody() -> None:
    assert findings("localhost")["server"].outcome is Outcome.NOTE


def test_a_path_too_many_in_the_address_is_named(serve: Serve) -> None:
    found = findings(serve(WELL) + "/api/public/otel")
    assert found["reach"].outcome is Outcome.FAULT
    assert "perhaps without /api/public/otel" in found["reach"].fix
