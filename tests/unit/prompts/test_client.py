"""The prompt client against a real HTTP server: what a call gives, and which calls cannot be meant."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from typing import Any

import pytest

from langfuse_otel import provenance
from langfuse_otel.errors import (
    AuthenticationError,
    InvalidRequestError,
    SettingsError,
)
from langfuse_otel.http import HttpClient
from langfuse_otel.prompts import Prompts
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.settings import load
from support.clock import FakeClock
from support.loopback import reply
from support.memory_store import MemoryStore
from support.prompt_client import PATIENCE_S, prompts_of
from support.prompt_server import PATH, PromptServer


class TestFresh:
    def test_one_read_serves_all_later_calls(self, server: PromptServer, prompts: Prompts) -> None:
        server.publish("p", "Hi {{x}}")
        first = prompts.get("p")
        assert all(prompts.get("p") is first for _ in range(100))
        assert server.reads == [f"{PATH}/p?label=production"]

    def test_production_is_the_default_label(self, server: PromptServer, prompts: Prompts) -> None:
        server.publish("p", "x")
        assert prompts.get("p") is prompts.get("p", label="production")
        assert len(server.reads) == 1

    def test_version_label_and_name_are_kept_apart(self, server: PromptServer, prompts: Prompts) -> None:
        server.publish("p", "by label", "1")
        server.publish("p", "by version 2", "2x")
        server.publish("p-label:1", "by name")
        for _ in range(2):
            assert prompts.get("p", label="1").version == 1
            assert prompts.get("p", version=2).version == 2
            assert prompts.get("p-label:1").name == "p-label:1"
        assert len(server.reads) == 3

    def test_chat_prompts_as_well(self, server: PromptServer, prompts: Prompts) -> None:
        server.publish("c", [{"role": "user", "content": "{{q}}"}])
        assert prompts.get("c", type="chat").compile(q="?") == [{"role": "user", "content": "?"}]

    def test_compile_is_get_and_fill_in_and_leaves_provenance(self, server: PromptServer, prompts: Prompts) -> None:
        server.publish("p", "Good morning, {{name}}")
        assert prompts.compile("p", {"name": "Ada"}) == "Good morning, Ada"
        assert provenance.recall("Good morning, Ada") == provenance.PromptRef("p", 1)

    def test_aget_serves_the_same(self, server: PromptServer, prompts: Prompts) -> None:
        server.publish("p", "x")
        assert asyncio.run(prompts.aget("p")) is prompts.get("p") is asyncio.run(prompts.aget("p", type="text"))
        assert len(server.reads) == 1

    def test_memory_stays_bounded(self, server: PromptServer, clock: FakeClock) -> None:
        prompts = prompts_of(server, clock, max_items=3)
        for number in range(10):
            server.publish(f"p{number}", "x")
            prompts.get(f"p{number}")
        assert len(prompts._cache.entries) == 3


class TestBadCalls:
    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            ({"name": "p", "version": 1, "label": "a"}, "not both"),
            ({"name": ".."}, "no URL"),
            ({"name": ""}, "blank"),
            ({"name": "p", "type": "video"}, "type"),
            ({"name": "p", "ttl_s": -1}, "ttl_s"),
            ({"name": "p", "ttl_s": float("nan")}, "ttl_s"),
            ({"name": "p", "type": "chat", "fallback": "text"}, "the fallback is text"),
            ({"name": "p", "fallback": [{"role": "user"}]}, "chat message"),
        ],
    )
    def test_they_are_refused_before_anything_is_sent(
        self, server: PromptServer, prompts: Prompts, arguments: dict[str, Any], problem: str
    ) -> None:
        with pytest.raises(InvalidRequestError, match=problem):
            prompts.get(**arguments)
        with pytest.raises(InvalidRequestError, match=problem):
            asyncio.run(prompts.aget(**arguments))
        assert server.requests == []

    def test_a_prompt_of_the_other_type_is_a_clear_error_cold_and_cached(
        self, server: PromptServer, prompts: Prompts
    ) -> None:
        server.publish("c", [{"role": "user", "content": "x"}])
        for _ in range(2):
            with pytest.raises(InvalidRequestError, match="is of type chat, asked for as text"):
                prompts.get("c", type="text")
        assert prompts.get("c", type="chat").version == 1

    def test_missing_keys_are_named(self) -> None:
        with pytest.raises(SettingsError, match="LANGFUSE_PUBLIC_KEY"):
            Prompts.from_settings(load({}))


class TestKeys:
    def test_that_they_are_refused_is_said_once(
        self, server: PromptServer, prompts: Prompts, clock: FakeClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        server.trouble = reply(401)
        with caplog.at_level(logging.ERROR, "langfuse_otel"):
            for number in range(5):
                with pytest.raises(AuthenticationError):
                    prompts.get(f"p{number}")
                clock.sleep(100.0)
        assert [record.getMessage() for record in caplog.records] == ["Langfuse refuses the keys: HTTP 401"]


class TestAsyncio:
    def test_everything_that_may_wait_has_a_twin(self) -> None:
        public = {name for name, _ in inspect.getmembers(Prompts, callable) if not name.startswith("_")}
        never_wait = {"from_settings", "peek", "status", "close"}
        assert {name for name in public if name[0] != "a" and f"a{name}" not in public} == never_wait

    def test_a_store_that_is_slow_to_forget_does_not_hold_up_the_loop(
        self, server: PromptServer, clock: FakeClock
    ) -> None:
        forgetting, go = threading.Event(), threading.Event()

        class Slow(MemoryStore):
            def forget(self, prompt: str) -> None:
                forgetting.set()
                assert go.wait(PATIENCE_S)
                super().forget(prompt)

        prompts = prompts_of(server, clock, stores=[Slow()])
        server.publish("p", "one")

        async def main() -> None:
            await prompts.aget("p")
            server.publish("p", "two")
            invalidation = asyncio.ensure_future(prompts.ainvalidate("p"))
            assert await asyncio.to_thread(forgetting.wait, PATIENCE_S)
            assert not invalidation.done()
            go.set()
            await invalidation
            assert (await prompts.aget("p")).version == 2

        asyncio.run(main())


class TestProjects:
    def test_two_projects_on_one_host_have_their_own(self, server: PromptServer, clock: FakeClock) -> None:
        one, two = (PromptApi(HttpClient(server.url, key, "sk-lf-1")) for key in ("pk-lf-1", "pk-lf-2"))
        assert one.scope != two.scope

    def test_settings_reach_the_client(self, server: PromptServer) -> None:
        server.publish("p", "x")
        keys = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-1", "LANGFUSE_BASE_URL": server.url}
        prompts = Prompts.from_settings(load({**keys, "LANGFUSE_PROMPT_CACHE_DEFAULT_TTL_SECONDS": "0"}))
        prompts.get("p")
        prompts.get("p")
        assert len(server.reads) == 2
