"""Prompts that are not in memory: one request for all who ask, and their error or their deadline."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from langfuse_otel.errors import (
    LangfuseError,
    NotFoundError,
    TimedOutError,
)
from langfuse_otel.prompts import Prompts
from langfuse_otel.prompts.cache import FAILURE_PAUSE_S
from support.clock import FakeClock
from support.loopback import Answer
from support.prompt_client import PATIENCE_S, TROUBLES, prompts_of, wait_until_landed
from support.prompt_server import PromptServer


class TestCold:
    def test_two_hundred_threads_make_one_request(self, server: PromptServer, prompts: Prompts) -> None:
        server.publish("p", "x")
        server.open.clear()
        asked = threading.Semaphore(0)

        def ask() -> object:
            asked.release()
            return prompts.get("p")

        with ThreadPoolExecutor(200) as pool:
            answers = [pool.submit(ask) for _ in range(200)]
            for _ in answers:
                assert asked.acquire(timeout=PATIENCE_S)
            server.open.set()
            assert len({id(answer.result()) for answer in answers}) == 1
        assert len(server.reads) == 1

    def test_a_thousand_tasks_make_one_request_and_the_loop_runs_on(
        self, server: PromptServer, prompts: Prompts
    ) -> None:
        server.publish("p", "x")
        server.open.clear()

        async def main() -> int:
            waiting = [asyncio.ensure_future(prompts.aget("p")) for _ in range(1_000)]
            await asyncio.sleep(0)  # all have asked, and the loop is here and not in a socket
            server.open.set()
            return len({id(prompt) for prompt in await asyncio.gather(*waiting)})

        assert asyncio.run(main()) == 1
        assert len(server.reads) == 1

    def test_who_starts_a_flight_just_after_another_landed_makes_no_second_request(
        self, server: PromptServer, prompts: Prompts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.publish("p", "x")
        start = prompts._resolver._flights.start

        def overtaken(key: Any, fetch: Any) -> Any:
            monkeypatch.setattr(prompts._resolver._flights, "start", start)
            prompts.get("p")
            return start(key, fetch)

        monkeypatch.setattr(prompts._resolver._flights, "start", overtaken)
        assert prompts.get("p").version == 1
        assert len(server.reads) == 1

    def test_all_who_wait_get_the_same_error(self, server: PromptServer, prompts: Prompts) -> None:
        server.open.clear()
        with ThreadPoolExecutor(20) as pool:
            answers = [pool.submit(prompts.get, "absent") for _ in range(20)]
            server.wait_for_requests(1)
            server.open.set()
            errors = {id(answer.exception()) for answer in answers}
        assert len(errors) == 1
        assert len(server.reads) == 1

    def test_a_hanging_server_costs_the_deadline_and_no_more(self, server: PromptServer, clock: FakeClock) -> None:
        server.trouble = server.hang
        with pytest.raises(TimedOutError):
            prompts_of(server, clock, deadline_s=0.2).get("p")

    def test_a_blocked_event_loop_is_warned_of(
        self, server: PromptServer, prompts: Prompts, caplog: pytest.LogCaptureFixture
    ) -> None:
        server.publish("p", "x")

        async def main() -> None:
            prompts.get("p")

        with caplog.at_level(logging.WARNING, "langfuse_otel"):
            prompts.invalidate("p")
            asyncio.run(main())
        assert "use aget()" in caplog.text

    @pytest.mark.parametrize(("trouble", "kind"), TROUBLES)
    def test_the_error_says_what_is_wrong(
        self, server: PromptServer, prompts: Prompts, trouble: Answer, kind: type[LangfuseError]
    ) -> None:
        server.trouble = trouble
        with pytest.raises(kind):
            prompts.get("p")
        with pytest.raises(kind):
            asyncio.run(prompts.aget("p"))

    def test_an_error_that_is_served_often_does_not_grow(self, prompts: Prompts) -> None:
        depths = []
        for _ in range(50):
            with pytest.raises(NotFoundError) as caught:
                prompts.get("absent")
            depths.append(len(caught.traceback))
        assert len(set(depths[1:])) == 1


class TestAbsent:
    def test_not_found_is_remembered_for_a_few_seconds(
        self, server: PromptServer, prompts: Prompts, clock: FakeClock
    ) -> None:
        for _ in range(10):
            with pytest.raises(NotFoundError, match="Prompt not found: 'p'"):
                prompts.get("p")
        assert len(server.reads) == 1
        server.publish("p", "x")
        clock.sleep(FAILURE_PAUSE_S)
        assert prompts.get("p").version == 1

    def test_a_fallback_is_served_until_it_is_published(
        self, server: PromptServer, prompts: Prompts, clock: FakeClock
    ) -> None:
        assert prompts.get("p", fallback="mine").is_fallback
        server.publish("p", "x")
        assert prompts.get("p", fallback="mine").is_fallback
        clock.sleep(FAILURE_PAUSE_S)
        prompts.get("p", fallback="mine")
        wait_until_landed(prompts)
        assert not prompts.get("p", fallback="mine").is_fallback
        assert len(server.reads) == 2
