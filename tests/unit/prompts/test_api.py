"""Langfuse's prompt endpoints: what is asked, and what is made of the answers."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langfuse_otel.errors import InvalidRequestError, NotFoundError, TimedOutError
from langfuse_otel.http import HttpClient
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.models import ChatMessage, ChatPrompt, Placeholder, Selector, TextPrompt
from langfuse_otel.server.run import LocalServer
from support.clock import FakeClock
from support.loopback import Received, reply
from support.prompt_client import api_of, read
from support.prompt_server import PATH, PromptServer


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
        api = api_of(server, clock=clock)
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
