"""A prompt and a callable as one generation."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from langfuse_otel.tracing import track_llm_call
from langfuse_otel.tracing.fields import GenerationFields
from support.told import Told


class Greeting:
    name, version = "greeting", 3

    def compile(self, **variables: Any) -> str:
        return f"Greet {variables['who']}."


def test_the_prompt_is_filled_sent_and_linked(told: Told) -> None:
    sent: list[Any] = []

    def call(text: str) -> str:
        sent.append(text)
        return "hello"

    assert track_llm_call(call, Greeting(), {"who": "Ada"}, model="m", provider="in-house") == "hello"
    assert sent == ["Greet Ada."]
    seen = told.one
    assert (seen.type, seen.name, seen.input, seen.output) == ("generation", "chat m", "Greet Ada.", "hello")
    assert (seen.prompt_name, seen.prompt_version, seen.metadata["provider"]) == ("greeting", 3, "in-house")


def test_the_reply_is_read_as_told(told: Told) -> None:
    reply = {"text": "hello", "tokens": 5}
    got = track_llm_call(
        lambda text: reply, "hi", read=lambda r: GenerationFields(output=r["text"], usage={"output": r["tokens"]})
    )
    assert got is reply
    assert told.one.output == "hello"
    assert told.one.usage is not None
    assert told.one.usage["output"] == 5


def test_a_reply_that_cannot_be_read_is_returned_all_the_same(told: Told) -> None:
    assert track_llm_call(lambda text: "hello", "hi", read=lambda r: r["no"]) == "hello"
    assert (told.one.output, told.one.level) == ("hello", "DEFAULT")


def test_a_coroutine_function_gives_an_awaitable(told: Told) -> None:
    async def call(messages: Any) -> str:
        await asyncio.sleep(0)
        return "hello"

    async def main() -> str:
        reply: str = await track_llm_call(call, [{"role": "user", "content": "hi"}])
        return reply

    assert asyncio.run(main()) == "hello"
    assert told.one.output == "hello"


def test_what_the_call_raises_goes_through_and_is_told(told: Told) -> None:
    def call(text: str) -> str:
        raise TimeoutError("too slow")

    with pytest.raises(TimeoutError):
        track_llm_call(call, "hi")
    assert told.one.status_message == "TimeoutError: too slow"
