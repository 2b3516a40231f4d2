"""The prompt client against a real HTTP server: fresh, stale, cold, gone, failing, forked."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

import pytest

from langfuse_otel import provenance
from langfuse_otel.errors import (
    AuthenticationError,
    ConnectionFailedError,
    InvalidRequestError,
    LangfuseError,
    MalformedResponseError,
    NotFoundError,
    ServerError,
    SettingsError,
    TimedOutError,
)
from langfuse_otel.http import HttpClient
from langfuse_otel.prompts import ChatPrompt, Prompts, TextPrompt
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.ask import Ask
from langfuse_otel.prompts.cache import FAILURE_PAUSE_S
from langfuse_otel.resilience.backoff import Backoff
from langfuse_otel.settings import load
from support.clock import FakeClock
from support.loopback import Answer, raw, reply
from support.prompt_server import PATH, PromptServer

PATIENCE_S = 20.0
TROUBLES = [
    pytest.param(reply(500), ServerError, id="500"),
    pytest.param(reply(503), ServerError, id="503"),
    pytest.param(reply(401), AuthenticationError, id="401"),
    pytest.param(reply(200, b"<html>"), MalformedResponseError, id="HTML"),
    pytest.param(raw(), ConnectionFailedError, id="cut"),
]


def prompts_of(server: PromptServer, clock: FakeClock, **options: Any) -> Prompts:
    """The clock is the cache's; deadlines pass in real time."""
    http = HttpClient(server.url, "pk-lf-1", "sk-lf-1")
    return Prompts(PromptApi(http, backoff=Backoff(initial_s=0.0, max_s=0.0)), clock=clock, **options)


@pytest.fixture
def prompts(server: PromptServer, clock: FakeClock) -> Iterator[Prompts]:
    return prompts_of(server, clock)


def wait_until_renewed(prompts: Prompts) -> None:
    """Until the background worker has done what it was given so far."""
    done = threading.Event()
    prompts._resolver._refresher.submit("a marker", done.set)
    assert done.wait(PATIENCE_S)


def wait_until_landed(prompts: Prompts) -> None:
    for flight in tuple(prompts._resolver._flights._flights.values()):
        flight.exception(PATIENCE_S)


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


class TestFallback:
    @pytest.mark.parametrize(("trouble", "kind"), TROUBLES)
    def test_it_is_served_whatever_is_wrong(
        self, server: PromptServer, prompts: Prompts, trouble: Answer, kind: type[LangfuseError]
    ) -> None:
        server.trouble = trouble
        prompt = prompts.get("p", label="beta", fallback="Hi {{x}}")
        expected = TextPrompt(name="p", version=0, labels=("beta",), prompt="Hi {{x}}", is_fallback=True)
        assert prompt == expected == asyncio.run(prompts.aget("p", label="beta", fallback="Hi {{x}}"))

    def test_a_hanging_server_is_waited_for_once_and_not_by_the_next_caller(
        self, server: PromptServer, clock: FakeClock
    ) -> None:
        prompts = prompts_of(server, clock, fallback_deadline_s=0.1, deadline_s=PATIENCE_S)
        server.publish("p", "x")
        server.open.clear()
        assert prompts.get("p", fallback="mine").is_fallback
        for _ in range(100):
            ask = Ask.of("p", None, None, None, "mine", None)
            with pytest.raises(StopIteration) as answer:  # nothing to wait for
                next(prompts._resolver.answer(ask))
            assert answer.value.value.prompt.is_fallback
        clock.sleep(100.0)
        assert prompts.get("p", fallback="mine").is_fallback  # the first request is still under way
        server.open.set()
        wait_until_landed(prompts)
        assert prompts.get("p", fallback="mine").version == 1
        assert len(server.reads) == 1

    def test_one_without_a_fallback_may_still_wait_where_another_lost_patience(
        self, server: PromptServer, clock: FakeClock
    ) -> None:
        prompts = prompts_of(server, clock, fallback_deadline_s=0.05, deadline_s=PATIENCE_S)
        server.publish("p", "x")
        server.open.clear()
        assert prompts.get("p", fallback="mine").is_fallback
        with ThreadPoolExecutor(1) as pool:
            patient = pool.submit(prompts.get, "p")
            with pytest.raises(FutureTimeoutError):
                patient.result(0.05)
            server.open.set()
            assert patient.result().version == 1
        assert len(server.reads) == 1

    def test_at_most_three_requests_in_ten_seconds(
        self, server: PromptServer, prompts: Prompts, clock: FakeClock
    ) -> None:
        server.trouble = reply(503)
        for _ in range(99):
            assert prompts.get("p", fallback="mine").is_fallback
            wait_until_landed(prompts)
            clock.sleep(0.1)
        assert len(server.reads) == 3

    def test_it_is_not_cached_and_not_linked(self, server: PromptServer, prompts: Prompts) -> None:
        first = prompts.get("p", fallback="The first fallback")
        second = prompts.get("p", fallback="The second fallback")
        assert [first.compile(), second.compile()] == ["The first fallback", "The second fallback"]
        assert provenance.recall("The first fallback") is None

    def test_messages_make_a_chat_prompt(self, prompts: Prompts) -> None:
        messages = [{"role": "user", "content": "{{q}}"}, {"type": "placeholder", "name": "h"}]
        prompt = prompts.get("c", type="chat", fallback=messages)
        assert isinstance(prompt, ChatPrompt)
        assert prompt.compile(q=1, h=[]) == [{"role": "user", "content": "1"}]

    def test_it_replaces_a_prompt_of_the_other_type(
        self, server: PromptServer, prompts: Prompts, caplog: pytest.LogCaptureFixture
    ) -> None:
        server.publish("c", [{"role": "user", "content": "x"}])
        prompts.get("c")
        with caplog.at_level(logging.ERROR, "langfuse_otel"):
            assert prompts.get("c", fallback="text").compile() == "text"
        assert "is of type chat, asked for as text" in caplog.text

    def test_it_is_said_in_the_log(
        self, server: PromptServer, prompts: Prompts, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING, "langfuse_otel"):
            prompts.get("said-in-the-log", fallback="mine")
            prompts.get("said-in-the-log", fallback="mine")
        assert [record.getMessage() for record in caplog.records] == [
            "prompt 'said-in-the-log' with label 'production': the fallback is served: "
            "HTTP 404: Prompt not found: 'said-in-the-log'"
        ]


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


class TestProcesses:
    def test_a_forked_child_serves_from_memory_renews_and_reads(
        self, server: PromptServer, prompts: Prompts, clock: FakeClock
    ) -> None:
        server.publish("p", "one")
        server.publish("q", "x")
        prompts.get("p")
        clock.sleep(61.0)
        prompts.get("p")
        wait_until_renewed(prompts)  # the parent has a worker now
        server.publish("p", "two")
        child = os.fork()
        if child == 0:
            status = 1
            try:
                clock.sleep(61.0)
                served = prompts.get("p").version
                wait_until_renewed(prompts)
                status = 0 if (served, prompts.get("p").version, prompts.get("q").version) == (1, 2, 1) else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert prompts.get("p").version == 1

    def test_a_program_ends_while_reads_hang(self, server: PromptServer) -> None:
        server.trouble = server.hang
        program = f"""
from langfuse_otel.http import HttpClient
from langfuse_otel.prompts import Prompts
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.ask import Ask
prompts = Prompts(PromptApi(HttpClient({server.url!r}, "pk", "sk")), deadline_s=600, fallback_deadline_s=0.05)
assert prompts.get("p", fallback="mine").is_fallback
"""
        assert subprocess.run([sys.executable, "-c", program], timeout=PATIENCE_S).returncode == 0

    @pytest.mark.skipif(sys.version_info >= (3, 14), reason="gevent is not there yet")
    def test_greenlets_share_one_read_and_the_others_run_on(self, server: PromptServer) -> None:
        """gevent replaces threads, locks and sockets; nothing of ours may hold up its loop."""
        server.publish("p", "x")
        server.open.clear()
        program = f"""
from gevent import monkey
monkey.patch_all()
import gevent
from langfuse_otel.http import HttpClient
from langfuse_otel.prompts import Prompts
from langfuse_otel.prompts.api import PromptApi
prompts = Prompts(PromptApi(HttpClient({server.url!r}, "pk", "sk")))
waiting = [gevent.spawn(prompts.get, "p") for _ in range(100)]
gevent.sleep(0)
print("running on", flush=True)
print({{greenlet.get().version for greenlet in waiting}})
"""
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline() == "running on\n"
            server.open.set()
            assert process.communicate(timeout=PATIENCE_S)[0] == "{1}\n"
        assert len(server.reads) == 1

    def test_threads_that_come_and_go_find_what_they_ask_for(self, server: PromptServer, clock: FakeClock) -> None:
        """Hits, renewals, evictions and invalidations at once: always the right prompt, never an error."""
        prompts = prompts_of(server, clock, max_items=4)
        for number in range(8):
            server.publish(f"p{number}", f"text {number}")

        def work(seed: int) -> int:
            for turn in range(60):
                number = (seed * 7 + turn * 5) % 8
                assert prompts.get(f"p{number}").compile() == f"text {number}"
                if turn % 20 == seed:
                    prompts.invalidate(f"p{number}")
                    clock.sleep(40.0)
            return seed

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(work, range(8))) == list(range(8))
