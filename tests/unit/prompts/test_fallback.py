"""What a caller gives to be served instead of an error."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError

import pytest

from langfuse_otel import provenance
from langfuse_otel.errors import (
    LangfuseError,
)
from langfuse_otel.prompts import ChatPrompt, Prompts, TextPrompt
from langfuse_otel.prompts.ask import Ask
from support.clock import FakeClock
from support.loopback import Answer, reply
from support.prompt_client import PATIENCE_S, TROUBLES, prompts_of, wait_until_landed
from support.prompt_server import PromptServer


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
