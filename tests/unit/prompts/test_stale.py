"""Prompts past their time: served at once, renewed behind the callers' backs, kept while Langfuse fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from langfuse_otel.errors import (
    LangfuseError,
    NotFoundError,
    TimedOutError,
)
from langfuse_otel.prompts import Prompts
from langfuse_otel.prompts.cache import FAILURE_PAUSE_S
from support.clock import FakeClock
from support.loopback import Answer, reply
from support.prompt_client import TROUBLES, prompts_of, wait_until_renewed
from support.prompt_server import PromptServer


class TestStale:
    def test_it_is_served_at_once_and_renewed_behind_the_callers_back(
        self, server: PromptServer, prompts: Prompts, clock: FakeClock
    ) -> None:
        server.publish("p", "old")
        prompts.get("p")
        server.publish("p", "new")
        clock.sleep(61.0)
        server.open.clear()  # nothing can be read while these are served
        assert [prompts.get("p").version for _ in range(100)] == [1] * 100
        server.open.set()
        wait_until_renewed(prompts)
        assert prompts.get("p").version == 2
        assert len(server.reads) == 2

    def test_at_expiry_under_load_there_is_one_request_a_prompt(
        self, server: PromptServer, prompts: Prompts, clock: FakeClock
    ) -> None:
        for number in range(5):
            server.publish(f"p{number}", "x")
            prompts.get(f"p{number}")
        clock.sleep(61.0)

        def hammer(_: int) -> None:
            while len(server.reads) < 10:
                for number in range(5):
                    prompts.get(f"p{number}")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(hammer, range(8)))
        wait_until_renewed(prompts)
        assert len(server.reads) == 10

    def test_a_label_that_moved_back_is_followed(
        self, server: PromptServer, prompts: Prompts, clock: FakeClock
    ) -> None:
        server.publish("p", "one")
        server.publish("p", "two")
        assert prompts.get("p").version == 2
        server.versions["p"][0]["labels"], server.versions["p"][1]["labels"] = ["production"], []
        clock.sleep(61.0)
        prompts.get("p")
        wait_until_renewed(prompts)
        assert prompts.get("p").version == 1

    @pytest.mark.parametrize(("trouble", "kind"), [*TROUBLES, pytest.param(None, TimedOutError, id="hangs")])
    def test_a_failing_server_leaves_it_in_service_and_is_not_hammered(
        self, server: PromptServer, clock: FakeClock, trouble: Answer | None, kind: type[LangfuseError]
    ) -> None:
        prompts = prompts_of(server, clock, deadline_s=0.2)
        server.publish("p", "old")
        prompts.get("p")
        server.trouble = trouble or server.hang
        for _ in range(3):  # an outage, far over the TTL
            clock.sleep(100.0)
            for _ in range(100):
                assert prompts.get("p", fallback="mine").version == 1
            wait_until_renewed(prompts)
            during = len(server.reads)
            for _ in range(100):
                assert prompts.get("p").version == 1
            wait_until_renewed(prompts)
            assert len(server.reads) == during
        assert during <= 1 + 2 + 1 + 1  # the first; a renewal with its retry; one attempt each after that

    def test_recovery_takes_one_pause(self, server: PromptServer, prompts: Prompts, clock: FakeClock) -> None:
        server.publish("p", "old")
        prompts.get("p")
        server.trouble = reply(500)
        clock.sleep(61.0)
        prompts.get("p")
        wait_until_renewed(prompts)
        server.trouble = None
        server.publish("p", "new")
        clock.sleep(FAILURE_PAUSE_S)
        prompts.get("p")
        wait_until_renewed(prompts)
        assert prompts.get("p").version == 2

    def test_a_deleted_prompt_is_served_no_longer_once_that_is_known(
        self, server: PromptServer, prompts: Prompts, clock: FakeClock
    ) -> None:
        server.publish("p", "x")
        prompts.get("p")
        del server.versions["p"]
        clock.sleep(61.0)
        assert prompts.get("p").version == 1
        wait_until_renewed(prompts)
        with pytest.raises(NotFoundError):
            prompts.get("p")
        assert prompts.get("p", fallback="mine").is_fallback
        assert len(server.reads) == 2

    def test_a_clock_that_jumps_changes_nothing(self, server: PromptServer, prompts: Prompts, clock: FakeClock) -> None:
        server.publish("p", "x")
        prompts.get("p")
        clock.sleep(-1e9)
        assert prompts.get("p").version == 1
        clock.sleep(1e12)
        assert prompts.get("p").version == 1
        wait_until_renewed(prompts)
        assert len(server.reads) == 2


class TestTtl:
    def test_zero_asks_the_server_each_time(self, server: PromptServer, prompts: Prompts) -> None:
        server.publish("p", "one")
        assert prompts.get("p").version == 1
        server.publish("p", "two")
        assert prompts.get("p", ttl_s=0).version == 2
        assert prompts.get("p").version == 2

    def test_zero_for_the_client_does_so_for_every_call(self, server: PromptServer, clock: FakeClock) -> None:
        prompts = prompts_of(server, clock, ttl_s=0.0)
        server.publish("p", "x")
        for _ in range(3):
            prompts.get("p")
        assert len(server.reads) == 3

    def test_even_then_a_failing_server_leaves_the_last_one_in_service(
        self, server: PromptServer, prompts: Prompts
    ) -> None:
        server.publish("p", "x")
        prompts.get("p")
        server.trouble = reply(500)
        assert prompts.get("p", ttl_s=0, fallback="mine").version == 1

    def test_a_call_may_want_it_fresher_or_take_it_older(
        self, server: PromptServer, prompts: Prompts, clock: FakeClock
    ) -> None:
        server.publish("p", "x")
        prompts.get("p")
        clock.sleep(30.0)
        prompts.get("p", ttl_s=31.0)
        wait_until_renewed(prompts)
        assert len(server.reads) == 1
        prompts.get("p", ttl_s=29.0)
        wait_until_renewed(prompts)
        assert len(server.reads) == 2
        clock.sleep(1_000.0)
        prompts.get("p", ttl_s=float("inf"))
        wait_until_renewed(prompts)
        assert len(server.reads) == 2
