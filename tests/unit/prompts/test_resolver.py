"""Where an answer comes from and why; label chains, snapshot, warm-up, and what is shared between processes."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from langfuse_otel.errors import InvalidRequestError, NotFoundError, ServerError
from langfuse_otel.prompts import Prompts, TextPrompt
from langfuse_otel.prompts.models import Selector
from langfuse_otel.prompts.snapshot import Snapshot, write
from langfuse_otel.resilience.breaker import BreakerState
from langfuse_otel.settings import load
from support.clock import FakeClock
from support.loopback import reply
from support.memory_store import MemoryStore, World
from support.prompt_client import PATIENCE_S, prompts_of, wait_until_landed, wait_until_renewed
from support.prompt_server import PATH, PromptServer

MESSAGES = [{"role": "user", "content": "x"}]


class TestDetail:
    def test_read_then_fresh_then_stale(self, server: PromptServer, prompts: Prompts, clock: FakeClock) -> None:
        server.publish("p", "x")
        read = prompts.get_detail("p")
        assert (read.source, read.reason, read.age_s, read.error_kind) == ("network", "read", 0.0, None)
        clock.sleep(10.0)
        fresh = asyncio.run(prompts.aget_detail("p"))
        assert (fresh.prompt, fresh.source, fresh.reason, fresh.age_s) == (read.prompt, "memory", "fresh", 10.0)
        clock.sleep(60.0)
        server.trouble = reply(500)
        stale = prompts.get_detail("p")
        assert (stale.source, stale.reason, stale.age_s, stale.error_kind) == ("memory", "stale", 70.0, None)
        wait_until_renewed(prompts)
        failing = prompts.get_detail("p")
        assert (failing.reason, failing.age_s, failing.error_kind) == ("stale", 70.0, "server")

    def test_fallbacks_say_why(self, server: PromptServer, prompts: Prompts) -> None:
        absent = prompts.get_detail("p", fallback="mine")
        assert (absent.source, absent.reason, absent.age_s, absent.error_kind) == (
            "fallback",
            "not_found",
            None,
            "not_found",
        )
        server.trouble = reply(503)
        down = prompts.get_detail("q", fallback="mine")
        assert (down.source, down.reason, down.error_kind) == ("fallback", "unavailable", "server")
        server.trouble = None
        server.publish("chat", MESSAGES)
        wrong = prompts.get_detail("chat", fallback="mine")
        assert (wrong.source, wrong.reason, wrong.error_kind) == ("fallback", "wrong_type", "invalid_request")

    def test_a_shared_tier_is_named(self, server: PromptServer, clock: FakeClock) -> None:
        server.publish("p", "x")
        world = World()
        one, two = (prompts_of(server, clock, stores=[MemoryStore(world)]) for _ in range(2))
        assert [one.get_detail("p").source, two.get_detail("p").source] == ["network", "memory_store"]
        assert len(server.reads) == 1


class TestLabels:
    def test_the_next_one_counts_where_there_is_none(self, server: PromptServer, prompts: Prompts) -> None:
        server.publish("p", "x", "beta")
        assert prompts.get("p", label=["alpha", "beta", "production"]).label == "beta"
        assert server.reads == [f"{PATH}/p?label=alpha", f"{PATH}/p?label=beta"]
        assert prompts.get("p", label=("alpha", "beta")).label == "beta"
        assert asyncio.run(prompts.aget("p", label=["alpha", "beta"])).label == "beta"
        assert len(server.reads) == 2

    def test_an_absent_one_is_looked_for_in_the_background(
        self, server: PromptServer, prompts: Prompts, clock: FakeClock
    ) -> None:
        server.publish("p", "x", "beta")
        prompts.get("p", label=["alpha", "beta"])
        server.publish("p", "new", "alpha")
        clock.sleep(6.0)
        server.open.clear()  # nobody waits
        assert prompts.get("p", label=["alpha", "beta"]).label == "beta"
        server.open.set()
        wait_until_landed(prompts)
        assert prompts.get("p", label=["alpha", "beta"]).label == "alpha"

    def test_a_failing_server_does_not_mean_that_there_is_none(self, server: PromptServer, prompts: Prompts) -> None:
        server.publish("p", "x", "beta")
        prompts.get("p", label="beta")
        server.trouble = reply(503)
        with pytest.raises(ServerError):
            prompts.get("p", label=["alpha", "beta"])

    def test_when_none_is_there_the_error_or_fallback_is_that_of_one(
        self, server: PromptServer, prompts: Prompts
    ) -> None:
        with pytest.raises(NotFoundError):
            prompts.get("p", label=["alpha", "beta"])
        assert prompts.get("p", label=["alpha", "beta"], fallback="mine").is_fallback

    @pytest.mark.parametrize("labels", [[], ["ok", ""], [1]])
    def test_bad_ones_are_refused(self, prompts: Prompts, labels: Any) -> None:
        with pytest.raises(InvalidRequestError):
            prompts.get("p", label=labels)


class TestSnapshot:
    KEPT = TextPrompt(name="p", version=7, labels=("production",), prompt="kept")

    def test_it_is_served_when_nothing_else_answers_and_nobody_waits_long(
        self, server: PromptServer, clock: FakeClock
    ) -> None:
        prompts = prompts_of(
            server, clock, snapshot=Snapshot([self.KEPT]), deadline_s=PATIENCE_S, fallback_deadline_s=0.1
        )
        server.trouble = server.hang
        detail = prompts.get_detail("p", fallback="mine")
        assert (detail.prompt.version, detail.source, detail.reason) == (7, "snapshot", "unavailable")
        assert detail.error_kind == "timed_out"
        assert not detail.prompt.is_fallback
        assert prompts.status().hits["snapshot"] == 1

    def test_not_when_langfuse_says_that_the_prompt_is_gone(self, server: PromptServer, clock: FakeClock) -> None:
        prompts = prompts_of(server, clock, snapshot=Snapshot([self.KEPT]))
        with pytest.raises(NotFoundError):
            prompts.get("p")

    def test_settings_name_it(self, server: PromptServer, tmp_path: Any) -> None:
        path = tmp_path / "prompts.json"
        write(path, [self.KEPT])
        server.trouble = reply(503)
        keys = {"public_key": "pk-lf-1", "secret_key": "sk-lf-1", "base_url": server.url}
        assert Prompts.from_settings(load({}, **keys, prompt_snapshot=str(path))).get("p").version == 7


class TestWarm:
    def test_all_are_read_at_the_same_time_and_errors_do_not_stop_it(
        self, server: PromptServer, prompts: Prompts
    ) -> None:
        names = [f"p{number}" for number in range(20)]
        for name in names:
            server.publish(name, "x")
        seen: list[str] = []
        warmed = prompts.warm([*names, "absent", "p0"], on_progress=lambda name, outcome: seen.append(name))
        assert seen == [*warmed] == [*names, "absent"]
        assert isinstance(warmed.pop("absent"), NotFoundError)
        assert all(detail.prompt.name == name for name, detail in warmed.items())  # type: ignore[union-attr]
        assert len(server.reads) == 21
        for name in names:
            prompts.get(name)
        assert len(server.reads) == 21

    def test_so_it_is_for_tasks(self, server: PromptServer, prompts: Prompts) -> None:
        server.publish("p", "x", "beta")
        warmed = asyncio.run(prompts.awarm(["p", "absent"], label="beta"))
        assert [type(outcome).__name__ for outcome in warmed.values()] == ["PromptDetail", "NotFoundError"]

    def test_the_settings_prompts_are_read_at_the_start_and_nobody_waits(self, server: PromptServer) -> None:
        for name in "ab":
            server.publish(name, "x")
        server.open.clear()
        keys = {"public_key": "pk-lf-1", "secret_key": "sk-lf-1", "base_url": server.url}
        prompts = Prompts.from_settings(load({}, **keys, prompts_to_warm="a,b"))
        server.open.set()
        wait_until_renewed(prompts)
        assert prompts.peek(Selector("a"))
        assert prompts.peek(Selector("b"))


class TestSharing:
    def test_invalidation_reaches_the_others_who_serve_what_they_have_meanwhile(
        self, server: PromptServer, clock: FakeClock
    ) -> None:
        world = World()
        one, two = (prompts_of(server, clock, stores=[MemoryStore(world)], ttl_s=1e9) for _ in range(2))
        server.publish("p", "old")
        assert one.get("p").version == two.get("p").version == 1
        server.publish("p", "new")
        clock.sleep(1.0)
        one.invalidate("p")
        assert one.get("p").version == 2
        for _ in range(200):
            if two.get("p").version == 2:
                break
            threading.Event().wait(0.05)
        assert two.get("p").version == 2
        assert len(server.reads) == 2

    def test_an_outage_is_found_out_once(self, server: PromptServer, clock: FakeClock) -> None:
        world = World()
        fleet = [prompts_of(server, clock, stores=[MemoryStore(world)]) for _ in range(10)]
        server.trouble = reply(503)
        for prompts in fleet:
            assert prompts.get("p", fallback="mine").is_fallback
            wait_until_landed(prompts)
        assert len(server.reads) == 2  # one, and its retry

    def test_a_ttl_of_zero_leaves_the_stores_out(self, server: PromptServer, clock: FakeClock) -> None:
        world = World()
        prompts = prompts_of(server, clock, stores=[MemoryStore(world)], ttl_s=0.0)
        server.publish("p", "x")
        for _ in range(3):
            prompts.get("p")
        assert len(server.reads) == 3
        assert world.values == {}


class TestRequiredFallback:
    def test_a_get_without_one_is_an_error_even_if_it_is_in_memory(
        self, server: PromptServer, clock: FakeClock
    ) -> None:
        prompts = prompts_of(server, clock, require_fallback=True)
        server.publish("p", "x")
        assert not prompts.get("p", fallback="mine").is_fallback
        for call in (prompts.get, prompts.get_detail, lambda name: asyncio.run(prompts.aget(name))):
            with pytest.raises(InvalidRequestError, match="LANGFUSE_PROMPT_REQUIRE_FALLBACK"):
                call("p")


class TestStatus:
    def test_it_counts_what_happened(self, server: PromptServer, prompts: Prompts, clock: FakeClock) -> None:
        server.publish("p", "x")
        for _ in range(4):
            prompts.get("p")
        prompts.get("absent", fallback="mine")
        clock.sleep(61.0)
        prompts.get("p")
        wait_until_renewed(prompts)
        status = prompts.status()
        assert status.hits == {"memory": 4, "network": 1, "fallback": 1}
        assert (status.misses, status.stale, status.refreshes, status.refresh_failures) == (2, 1, 1, 0)
        assert (status.requests, status.request_failures) == (3, 0)
        assert status.request_s > 0
        assert (status.items, status.breaker) == (1, BreakerState.CLOSED)


def test_peek_never_asks_anyone(server: PromptServer, prompts: Prompts) -> None:
    server.publish("p", "x")
    assert prompts.peek(Selector("p")) is None
    prompts.get("p")
    assert prompts.peek(Selector("p")) is prompts.get("p")
    assert len(server.reads) == 1
