"""Prompts that were changed: what this process changes or forgets it does not serve again."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from langfuse_otel.errors import (
    InvalidRequestError,
    NotFoundError,
)
from langfuse_otel.prompts import Prompts
from support.loopback import reply
from support.prompt_client import PATIENCE_S
from support.prompt_server import PromptServer


class TestInvalidation:
    def test_it_is_exact(self, server: PromptServer, prompts: Prompts) -> None:
        for name in ("p", "p2"):
            server.publish(name, "x")
            prompts.get(name)
        prompts.get("p", version=1)
        prompts.invalidate("p")
        prompts.get("p2")
        assert len(server.reads) == 3
        prompts.get("p")
        prompts.get("p", version=1)
        assert len(server.reads) == 5

    def test_an_old_answer_that_arrives_last_does_not_win(self, server: PromptServer, prompts: Prompts) -> None:
        server.publish("p", "old")
        old_may_leave = threading.Event()

        def slow(handler: Any, received: Any) -> None:
            body = b'{"name": "p", "version": 1, "type": "text", "prompt": "old"}'
            old_may_leave.wait(PATIENCE_S)
            reply(200, body)(handler, received)

        server.trouble = slow
        with ThreadPoolExecutor(1) as pool:
            early = pool.submit(prompts.get, "p")
            server.wait_for_requests(1)
            server.trouble = None
            server.publish("p", "new")
            prompts.invalidate("p")
            assert prompts.get("p").version == 2
            old_may_leave.set()
            assert early.result().version == 1  # it asked before
        assert prompts.get("p").version == 2

    def test_what_this_process_creates_or_labels_it_serves_at_once(
        self, server: PromptServer, prompts: Prompts
    ) -> None:
        prompts.create("p", "one", labels=["production"])
        assert prompts.get("p").version == 1
        prompts.create("p", "two", labels=["beta"])
        assert prompts.get("p", label="beta").version == 2
        with pytest.raises(NotFoundError):
            prompts.get("p", label="gamma")
        prompts.update_labels("p", 2, ["gamma"])
        assert prompts.get("p", label="gamma").version == 2

    def test_bad_writes_are_refused_before_they_are_sent(self, server: PromptServer, prompts: Prompts) -> None:
        with pytest.raises(InvalidRequestError):
            prompts.create("..", "x")
        with pytest.raises(InvalidRequestError):
            prompts.create("p", ["no message"])
        with pytest.raises(InvalidRequestError):
            prompts.update_labels("p", 0, ["a"])
        assert server.requests == []

    def test_list_reads_the_servers_names(self, server: PromptServer, prompts: Prompts) -> None:
        for name in ("b", "a/c"):
            server.publish(name, "x")
        assert [summary.name for summary in prompts.list()] == ["a/c", "b"]
