"""Langfuse's prompt endpoints: what is asked, what is accepted as an answer, what is tried again."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote

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
from langfuse_otel.http import HttpClient
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.models import ChatMessage, ChatPrompt, Placeholder, Prompt, Selector, TextPrompt
from langfuse_otel.resilience.backoff import Backoff
from langfuse_otel.server.run import LocalServer
from support.clock import FakeClock
from support.loopback import Received, raw, reply
from support.prompt_server import PATH, PromptServer

AT_ONCE = Backoff(initial_s=0.0, max_s=0.0)


def api_of(server: PromptServer) -> PromptApi:
    return PromptApi(HttpClient(server.url, "pk-lf-1", "sk-lf-1"), backoff=AT_ONCE)


def read(server: PromptServer, name: str = "p", **which: Any) -> Prompt:
    return api_of(server).get(Selector(name, **which), deadline_s=5.0)


def with_body(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


class TestGet:
    def test_a_text_prompt_with_all_its_fields(self, server: PromptServer) -> None:
        fields = {"config": {"model": "m", "n": [1]}, "tags": ["t"], "commitMessage": "why", "id": "x", "new": {"a": 1}}
        server.publish("p", "Hi {{x}}", "production", "beta", **fields)
        prompt = read(server)
        assert prompt == TextPrompt(
            name="p",
            version=1,
            prompt="Hi {{x}}",
            labels=("production", "beta"),
            tags=("t",),
            commit_message="why",
            config_json=prompt.config_json,
        )
        assert prompt.config == {"model": "m", "n": [1]}

    def test_a_chat_prompt_whatever_the_type_of_its_messages_says(self, server: PromptServer) -> None:
        messages = [
            {"role": "system", "content": "a"},
            {"type": "chatmessage", "role": "user", "content": "b"},
            {"type": "message", "role": "user", "content": "c"},
            {"type": "placeholder", "name": "h"},
        ]
        server.publish("p", messages)
        assert read(server) == ChatPrompt(
            name="p",
            version=1,
            prompt=(ChatMessage("system", "a"), ChatMessage("user", "b"), ChatMessage("user", "c"), Placeholder("h")),
            labels=("production",),
        )

    def test_label_or_version_is_asked_for_never_both(self, server: PromptServer) -> None:
        server.publish("p", "one", "a b&version=2")
        read(server, label="a b&version=2")
        read(server, version=1)
        assert server.reads == [f"{PATH}/p?label=a+b%26version%3D2", f"{PATH}/p?version=1"]

    def test_a_prompt_of_five_megabytes(self, server: PromptServer) -> None:
        server.publish("p", "ä" * 2_500_000)
        prompt = read(server)
        assert isinstance(prompt, TextPrompt)
        assert len(prompt.prompt) == 2_500_000


class TestNames:
    """Whatever the name: one encoded segment below /prompts/, from which exactly the name is read again (X8)."""

    NASTY = ("a/b", "../x", "a/..", "%2e%2e", "%2f", "a?b=c", "a#b", "a\r\nX: y", "\0", "CON", "a b+c", "…/", ";")
    UNICODE_FORMS = ("\u00e9", "e\u0301")  # composed and not: two names

    def check(self, server: PromptServer, name: str) -> None:
        server.publish(name, "text")
        assert read(server, name).name == name
        path, _, query = server.reads[-1].partition("?")
        assert path.startswith(PATH + "/")
        assert "/" not in path.removeprefix(PATH + "/")
        assert unquote(path.removeprefix(PATH + "/")) == name
        assert query == "label=production"

    @pytest.mark.parametrize("name", NASTY + UNICODE_FORMS)
    def test_nasty_names(self, server: PromptServer, name: str) -> None:
        self.check(server, name)

    def test_any_name(self, server: PromptServer) -> None:
        alphabet = st.characters(codec="utf-8") | st.sampled_from("./%?#\\&;=")
        names = st.text(alphabet, min_size=1, max_size=20).filter(lambda name: name.strip() and name not in (".", ".."))

        @settings(max_examples=200, deadline=None)
        @given(names)
        def holds(name: str) -> None:
            self.check(server, name)

        holds()

    def test_a_name_of_ten_thousand_characters(self, server: PromptServer) -> None:
        self.check(server, "n" * 10_000)


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


class TestWriting:
    def test_create_a_text_prompt(self, server: PromptServer) -> None:
        stored = api_of(server).create(
            "a/b", "Hi", labels=["production"], tags=["t"], config={"n": 1}, commit_message="first"
        )
        assert (stored.version, stored.config) == (1, {"n": 1})
        (request,) = server.requests
        assert (request.method, request.target) == ("POST", PATH)
        assert json.loads(request.body) == {
            "name": "a/b",
            "type": "text",
            "prompt": "Hi",
            "labels": ["production"],
            "tags": ["t"],
            "config": {"n": 1},
            "commitMessage": "first",
        }

    def test_create_a_chat_prompt_and_leave_the_tags_as_they_are(self, server: PromptServer) -> None:
        api_of(server).create("p", [ChatMessage("user", "Hi"), Placeholder("h")])
        assert json.loads(server.requests[0].body) == {
            "name": "p",
            "type": "chat",
            "prompt": [{"role": "user", "content": "Hi"}, {"type": "placeholder", "name": "h"}],
            "labels": [],
            "config": {},
        }

    def test_a_config_that_is_no_json_is_refused_before_anything_is_sent(self, server: PromptServer) -> None:
        with pytest.raises(InvalidRequestError, match="JSON"):
            api_of(server).create("p", "x", config={"a": object()})
        assert server.requests == []

    def test_update_labels(self, server: PromptServer) -> None:
        server.publish("a/b", "one", "old")
        assert api_of(server).update_labels("a/b", 1, ["new"]).labels == ("old", "new")
        (request,) = server.requests
        assert (request.method, request.target) == ("PATCH", f"{PATH}/a%2Fb/versions/1")

    def test_delete(self, local_server: LocalServer) -> None:
        http = HttpClient(local_server.base_url, local_server.public_key, local_server.secret_key)
        api = PromptApi(http)
        for label in ("one", "two", "three"):
            api.create("a/b", label, labels=[label])
        api.delete("a/b", label="one")
        api.delete("a/b", version=2)
        assert api.get(Selector("a/b", label="latest"), deadline_s=5.0).version == 3
        with pytest.raises(NotFoundError):
            api.delete("a/b", version=2)
        api.delete("a/b")
        with pytest.raises(NotFoundError):
            api.delete("a/b")

    @pytest.mark.parametrize("name", TestNames.NASTY)
    def test_whatever_the_name_it_is_one_segment(self, server: PromptServer, name: str) -> None:
        for change in (lambda: api_of(server).update_labels(name, 1, []), lambda: api_of(server).delete(name)):
            with pytest.raises(NotFoundError):
                change()
        patched, deleted = (request.target.removeprefix(f"{PATH}/").split("/") for request in server.requests)
        assert (len(patched), unquote(patched[0]), patched[1:]) == (3, name, ["versions", "1"])
        assert [unquote(segment) for segment in deleted] == [name]


class TestComposition:
    TAG = "@@@langfusePrompt:name=leaf|label=production@@@"

    def test_what_the_server_left_unresolved_is_resolved_here(self, server: PromptServer) -> None:
        server.publish("root", f"<{self.TAG}>")
        server.publish("leaf", "LEAF")
        found = read(server, "root")
        assert (found.prompt, found.name) == ("<LEAF>", "root")
        assert server.reads == [f"{PATH}/root?label=production", f"{PATH}/leaf?label=production"]

    def test_raw_leaves_it_to_nobody(self, server: PromptServer) -> None:
        server.publish("root", self.TAG)
        assert api_of(server).get(Selector("root"), deadline_s=5.0, raw=True).prompt == self.TAG
        assert server.reads == [f"{PATH}/root?label=production&resolve=false"]

    def test_a_missing_part_is_the_same_error_here_as_from_the_server(self, server: PromptServer) -> None:
        server.publish("root", self.TAG)
        with pytest.raises(InvalidRequestError, match=r"'leaf'.* does not exist") as caught:
            read(server, "root")
        assert caught.value.status == 409

    def test_all_reads_share_one_deadline(self, server: PromptServer) -> None:
        server.publish("root", self.TAG)
        server.publish("leaf", "LEAF")
        clock = FakeClock()

        def late(handler: BaseHTTPRequestHandler, received: Received) -> None:
            clock.sleep(10.0)
            server.trouble = None
            server._get(received)(handler, received)

        server.trouble = late
        api = PromptApi(HttpClient(server.url, "pk-lf-1", "sk-lf-1"), backoff=AT_ONCE, clock=clock)
        with pytest.raises(TimedOutError):
            api.get(Selector("root"), deadline_s=5.0)
        assert server.reads == [f"{PATH}/root?label=production"]


def test_a_prompt_knows_the_label_it_was_asked_for_by(server: PromptServer) -> None:
    server.publish("p", "x", "production", "eu")
    assert [read(server, **which).label for which in ({}, {"label": "eu"}, {"version": 1})] == [
        "production",
        "eu",
        None,
    ]


class TestList:
    def test_pages_are_read_as_far_as_the_caller_reads(self, server: PromptServer) -> None:
        for number in range(250):
            server.publish(f"p{number:03}", "x")
        listing = api_of(server).list(deadline_s=5.0)
        assert server.requests == []
        assert next(listing).name == "p000"
        assert len(server.requests) == 1
        assert [summary.name for summary in listing] == [f"p{number:03}" for number in range(1, 250)]
        assert len(server.requests) == 3

    def test_filters_are_passed_on(self, server: PromptServer) -> None:
        server.publish("a", "x")
        server.publish("b", "x")
        (only,) = api_of(server).list(name="b", label="l", tag="t", deadline_s=5.0)
        assert (only.name, only.versions) == ("b", (1,))
        assert server.reads == [f"{PATH}?name=b&label=l&tag=t&limit=100&page=1"]

    def test_an_empty_project(self, server: PromptServer) -> None:
        assert list(api_of(server).list(deadline_s=5.0)) == []

    def test_a_server_that_promises_endless_empty_pages_is_left(self, server: PromptServer) -> None:
        server.trouble = reply(200, b'{"data": [], "meta": {"totalPages": 1000000}}')
        assert list(api_of(server).list(deadline_s=5.0)) == []
        assert len(server.requests) == 1
