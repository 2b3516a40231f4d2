"""Langfuse's prompt webhook: signed, or nothing happens."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import uvicorn

from langfuse_otel.http import HttpClient
from langfuse_otel.prompts import Prompts
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.webhook import MAX_AGE_S, MAX_BODY_BYTES, PromptWebhook
from support.clock import FakeClock
from support.prompt_server import PromptServer

PATIENCE_S = 20.0
SECRET = "lf-whsec_0123456789abcdef"
EVENT: dict[str, Any] = {
    "id": "550e8400",
    "timestamp": "2024-07-10T10:30:00Z",
    "type": "prompt-version",
    "apiVersion": "v1",
    "action": "updated",
    "prompt": {"id": "x", "name": "folder/movie critic", "version": 3, "labels": ["production"], "prompt": "…"},
}
BODY = json.dumps(EVENT).encode()


class Client:
    """Notes what it is to renew."""

    def __init__(self) -> None:
        self.renewed: list[str] = []

    def renew(self, name: str) -> None:
        self.renewed.append(name)


def signed(body: bytes, at: float, secret: str = SECRET, name: str = "v1") -> str:
    """As Langfuse writes it (packages/shared/src/encryption/signature.ts); its documentation has ``s`` for ``v1``."""
    digest = hmac.new(secret.encode(), f"{int(at)}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={int(at)},{name}={digest}"


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def webhook(client: Client, clock: FakeClock) -> PromptWebhook:
    return PromptWebhook(client, secret=SECRET, clock=clock)


class TestReceive:
    @pytest.mark.parametrize("name", ["v1", "s"])
    def test_a_signed_event_renews_its_prompt(
        self, webhook: PromptWebhook, client: Client, clock: FakeClock, name: str
    ) -> None:
        assert webhook.receive(BODY, signed(BODY, clock.wall(), name=name)) == 200
        assert client.renewed == ["folder/movie critic"]

    @pytest.mark.parametrize("signature", [None, "", "t=1000", "v1=00", "t=1000,v1=zz", f"t=1000,v1={'0' * 64}", "é"])
    def test_without_a_valid_signature_nothing_happens(
        self, webhook: PromptWebhook, client: Client, signature: str | None
    ) -> None:
        assert webhook.receive(BODY, signature) == 401
        assert client.renewed == []

    def test_a_signature_covers_the_body_and_the_time(
        self, webhook: PromptWebhook, client: Client, clock: FakeClock
    ) -> None:
        good = signed(BODY, clock.wall())
        assert webhook.receive(BODY + b" ", good) == 401
        assert webhook.receive(BODY, good.replace("t=1000", "t=1001")) == 401
        assert webhook.receive(BODY, signed(BODY, clock.wall(), secret="another")) == 401
        assert client.renewed == []

    @pytest.mark.parametrize("off_s", [MAX_AGE_S + 1, -MAX_AGE_S - 1])
    def test_an_old_one_cannot_be_repeated(
        self, webhook: PromptWebhook, client: Client, clock: FakeClock, off_s: float
    ) -> None:
        signature = signed(BODY, clock.wall())
        clock.sleep(off_s)
        assert webhook.receive(BODY, signature) == 401
        assert client.renewed == []

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"type": "prompt-version", "prompt": "p"}', b"\xff"])
    def test_a_signed_body_that_is_no_event_is_a_bad_request(
        self, webhook: PromptWebhook, client: Client, clock: FakeClock, body: bytes
    ) -> None:
        assert webhook.receive(body, signed(body, clock.wall())) == 400
        assert client.renewed == []

    def test_other_events_are_taken_and_change_nothing(
        self, webhook: PromptWebhook, client: Client, clock: FakeClock
    ) -> None:
        body = b'{"type": "alert"}'
        assert webhook.receive(body, signed(body, clock.wall())) == 200
        assert client.renewed == []

    def test_the_secret_shows_nowhere(self, webhook: PromptWebhook) -> None:
        assert SECRET not in f"{webhook!r} {vars(webhook)}"
        with pytest.raises(ValueError, match="empty"):
            PromptWebhook(Client(), secret="")


def wsgi(webhook: PromptWebhook, method: str, body: bytes, **environ: Any) -> str:
    answered: list[str] = []
    size = {"CONTENT_LENGTH": str(len(body))}
    environ = {"REQUEST_METHOD": method, "wsgi.input": io.BytesIO(body), **size, **environ}
    assert b"".join(webhook.wsgi(environ, lambda status, headers: answered.append(status))) == b""
    return answered[0]


class TestWsgi:
    def test_an_event(self, webhook: PromptWebhook, client: Client, clock: FakeClock) -> None:
        assert wsgi(webhook, "POST", BODY, HTTP_X_LANGFUSE_SIGNATURE=signed(BODY, clock.wall())) == "200 OK"
        assert client.renewed == ["folder/movie critic"]

    def test_what_is_none(self, webhook: PromptWebhook, client: Client) -> None:
        assert wsgi(webhook, "GET", b"") == "405 Method Not Allowed"
        assert wsgi(webhook, "POST", BODY) == "401 Unauthorized"
        assert wsgi(webhook, "POST", b"", CONTENT_LENGTH=str(MAX_BODY_BYTES + 1)) == "413 Content Too Large"
        assert wsgi(webhook, "POST", b"", CONTENT_LENGTH="-1") == "413 Content Too Large"
        assert client.renewed == []


def asgi(webhook: PromptWebhook, method: str, chunks: list[bytes], headers: list[tuple[bytes, bytes]]) -> int:
    sent: list[Any] = []
    incoming = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    incoming[-1]["more_body"] = False

    async def receive() -> Any:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(webhook.asgi({"type": "http", "method": method, "headers": headers}, receive, send))
    assert sent[1] == {"type": "http.response.body", "body": b""}
    return int(sent[0]["status"])


class TestAsgi:
    def test_an_event_in_pieces(self, webhook: PromptWebhook, client: Client, clock: FakeClock) -> None:
        headers = [(b"X-Langfuse-Signature", signed(BODY, clock.wall()).encode())]
        assert asgi(webhook, "POST", [BODY[:10], BODY[10:]], headers) == 200
        assert client.renewed == ["folder/movie critic"]

    def test_what_is_none(self, webhook: PromptWebhook, client: Client) -> None:
        assert asgi(webhook, "GET", [b""], []) == 405
        assert asgi(webhook, "POST", [BODY], []) == 401
        assert asgi(webhook, "POST", [b"x" * (MAX_BODY_BYTES // 2 + 1)] * 2, []) == 413
        assert client.renewed == []


def post(url: str, body: bytes, signature: str) -> int:
    request = urllib.request.Request(url, data=body, headers={"X-Langfuse-Signature": signature})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code


@contextmanager
def served_by_wsgiref(webhook: PromptWebhook) -> Iterator[str]:
    class Quiet(WSGIRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    with make_server("127.0.0.1", 0, webhook.wsgi, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hooks/langfuse"
        server.shutdown()
        thread.join()


@contextmanager
def served_by_uvicorn(webhook: PromptWebhook) -> Iterator[str]:
    config = uvicorn.Config(webhook.asgi, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/hooks/langfuse"
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("served", [served_by_wsgiref, served_by_uvicorn])
class TestServed:
    """By real servers, to a real client: the next ``get`` after the event has the new version."""

    def test_a_change_is_served_at_once_and_a_forged_one_changes_nothing(
        self, served: Callable[[PromptWebhook], AbstractContextManager[str]], server: PromptServer
    ) -> None:
        name = EVENT["prompt"]["name"]
        server.publish(name, "old")
        prompts = Prompts(PromptApi(HttpClient(server.url, "pk-lf-1", "sk-lf-1")), ttl_s=3_600.0)
        prompts.get(name)
        server.publish(name, "new")
        body = json.dumps({**EVENT, "padding": "x" * 100_000}).encode()  # more than one packet
        with served(PromptWebhook(prompts, secret=SECRET)) as url:
            assert post(url, body, signed(body, time.time(), secret="forged")) == 401
            assert prompts.get(name).version == 1
            assert len(server.reads) == 1
            assert post(url, body, signed(body, time.time())) == 200
        deadline = time.monotonic() + PATIENCE_S
        while prompts.get(name).version != 2:
            assert time.monotonic() < deadline
            server.wait_for_requests(2)
