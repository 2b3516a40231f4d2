"""Langfuse's prompt endpoints when they fail: what is accepted as an answer, what is raised, what is tried again."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langfuse_otel.errors import (
    AuthenticationError,
    ConnectionFailedError,
    InvalidRequestError,
    LangfuseError,
    MalformedResponseError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    TimedOutError,
)
from langfuse_otel.prompts.models import Selector
from support.loopback import Received, raw, reply
from support.prompt_client import api_of, read
from support.prompt_server import PromptServer


def with_body(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


class TestMalformedAnswers:
    GOOD: dict[str, Any] = {"name": "p", "version": 1, "type": "text", "prompt": "x"}  # noqa: RUF012

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"<!doctype html><title>Sign in</title>", id="HTML"),
            pytest.param(b'{"name": "p", "version": 1, "pro', id="half a JSON"),
            pytest.param(b"", id="nothing"),
            pytest.param(b"null", id="null"),
            pytest.param(b"[]", id="list"),
            pytest.param(b'{"name": "\xff"}', id="broken UTF-8"),
            pytest.param(with_body({**GOOD, "version": "1"}), id="version as text"),
            pytest.param(with_body({**GOOD, "version": 0}), id="version 0"),
            pytest.param(with_body({**GOOD, "prompt": 3}), id="prompt as number"),
            pytest.param(with_body({**GOOD, "prompt": None}), id="no prompt"),
            pytest.param(with_body({**GOOD, "type": "chat"}), id="chat that is a text"),
            pytest.param(with_body({**GOOD, "prompt": []}), id="text that is a list"),
            pytest.param(with_body({**GOOD, "type": "video"}), id="unknown type"),
            pytest.param(with_body({**GOOD, "type": "chat", "prompt": ["a"]}), id="message as text"),
            pytest.param(with_body({**GOOD, "type": "chat", "prompt": [{"role": "user"}]}), id="no content"),
            pytest.param(with_body({**GOOD, "labels": "production"}), id="labels as text"),
            pytest.param(with_body({**GOOD, "name": "q"}), id="another prompt"),
            pytest.param(b'{"name":"p","version":1,"prompt":"x","config":' + b"[" * 100_000, id="deep and open"),
            pytest.param(
                b'{"name":"p","version":1,"prompt":"x","config":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="deep"
            ),
            pytest.param(b'{"name":"p","version":1,"prompt":"x","config":' + b"9" * 5_000 + b"}", id="huge number"),
            pytest.param(b'{"name":"p","version":1,"prompt":"x","a":' + b'{"a":' * 100_000, id="deep elsewhere"),
        ],
    )
    def test_it_is_one_clear_error(self, server: PromptServer, body: bytes) -> None:
        server.trouble = reply(200, body)
        with pytest.raises(MalformedResponseError):
            read(server)
        assert len(server.requests) == 1

    def test_another_version_than_the_one_asked_for(self, server: PromptServer) -> None:
        server.trouble = reply(200, with_body({**self.GOOD, "version": 4}))
        with pytest.raises(MalformedResponseError, match="asked for prompt 'p' with version 3"):
            read(server, version=3)

    def test_any_bytes(self, server: PromptServer) -> None:
        fields = st.sampled_from([*self.GOOD, "config"])
        values = st.recursive(st.none() | st.text(), lambda inner: st.dictionaries(fields, inner))

        @settings(max_examples=200, deadline=None)
        @given(st.binary() | values.map(with_body))
        def holds(body: bytes) -> None:
            server.trouble = reply(200, body)
            with pytest.raises(MalformedResponseError):
                read(server)

        holds()


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (302, InvalidRequestError),
            (400, InvalidRequestError),
            (401, AuthenticationError),
            (403, AuthenticationError),
            (404, NotFoundError),
            (409, InvalidRequestError),
            (422, InvalidRequestError),
            (500, ServerError),
        ],
    )
    def test_the_status_says_which_and_the_servers_words_are_kept(
        self, server: PromptServer, status: int, kind: type[LangfuseError]
    ) -> None:
        server.trouble = reply(status, b'{"message": "because", "error": "SomeError"}', x_request_id="r-7")
        with pytest.raises(kind, match=f"HTTP {status}: because") as caught:
            read(server)
        assert caught.value.request_id == "r-7"
        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        "body", [b"<html>", b"", b"[1]", b'{"message": {"a": 1}}', b'{"error": [1]}', b"[" * 100_000]
    )
    def test_an_error_without_words_is_still_that_error(self, server: PromptServer, body: bytes) -> None:
        server.trouble = reply(404, body)
        with pytest.raises(NotFoundError, match="HTTP 404"):
            read(server)

    def test_a_key_that_the_server_repeats_is_masked(self, server: PromptServer) -> None:
        server.trouble = reply(401, b'{"message": "unknown key sk-lf-0123456789abcdef"}')
        with pytest.raises(AuthenticationError) as caught:
            read(server)
        assert "0123456789" not in f"{caught.value} {caught.value.details}"

    def test_the_servers_words_stay_on_one_line(self, server: PromptServer) -> None:
        server.trouble = reply(400, b'{"message": "bad\\r\\nWARNING forged"}')
        with pytest.raises(InvalidRequestError, match="HTTP 400: bad WARNING forged"):
            read(server)


class FailingOnce:
    """One bad answer, then good ones."""

    def __init__(self, server: PromptServer, bad: Any) -> None:
        self._server, self._bad = server, bad

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> None:
        self._server.trouble = None
        self._bad(handler, received)


class TestRetries:
    @pytest.mark.parametrize("bad", [reply(429), reply(503), reply(504), reply(503, retry_after="0"), raw()])
    def test_a_read_is_tried_again_when_that_can_help(self, server: PromptServer, bad: Any) -> None:
        server.publish("p", "text")
        server.trouble = FailingOnce(server, bad)
        assert read(server).version == 1
        assert len(server.requests) == 2

    @pytest.mark.parametrize(
        ("bad", "kind"), [(reply(429), RateLimitedError), (reply(503), ServerError), (raw(), ConnectionFailedError)]
    )
    def test_but_only_once(self, server: PromptServer, bad: Any, kind: type[LangfuseError]) -> None:
        server.trouble = bad
        with pytest.raises(kind):
            read(server)
        assert len(server.requests) == 2

    @pytest.mark.parametrize("status", [400, 401, 404, 500, 502])
    def test_other_failures_are_not_tried_again(self, server: PromptServer, status: int) -> None:
        server.trouble = reply(status)
        with pytest.raises(LangfuseError):
            read(server)
        assert len(server.requests) == 1

    def test_a_retry_after_beyond_the_deadline_ends_it_now(self, server: PromptServer) -> None:
        server.trouble = reply(429, retry_after="60")
        with pytest.raises(RateLimitedError) as caught:
            read(server)
        assert caught.value.retry_after_s == 60.0
        assert len(server.requests) == 1

    def test_the_deadline_is_for_all_attempts_together(self, server: PromptServer) -> None:
        server.trouble = server.hang
        with pytest.raises(TimedOutError):
            api_of(server).get(Selector("p"), deadline_s=0.2)
        assert len(server.requests) == 1

    @pytest.mark.parametrize("bad", [reply(503), reply(429), raw()])
    def test_a_write_is_never_repeated(self, server: PromptServer, bad: Any) -> None:
        server.trouble = bad
        with pytest.raises(LangfuseError):
            api_of(server).create("p", "text")
        with pytest.raises(LangfuseError):
            api_of(server).update_labels("p", 1, ["a"])
        assert len(server.requests) == 2
