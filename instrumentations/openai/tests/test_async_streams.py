"""Asynchronous streams: every way in which reading one may begin, go on and stop."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from langfuse_otel.instrumentation.contract import Recording
from support.cancelled import cancelled

HELLO: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
STREAM: dict[str, Any] = {**HELLO, "stream": True}
GREETING = [{"type": "text", "content": "Hello there"}]
BEGUN = [{"type": "text", "content": "Hello"}]


def parts(recording: Recording) -> Any:
    return json.loads(recording.attributes["gen_ai.output.messages"])[0]["parts"]


async def _read(stream: Any) -> list[Any]:
    return [chunk async for chunk in stream]


def test_an_async_stream_is_joined_and_keeps_its_class(recording: Any, async_client: AsyncOpenAI) -> None:
    async def read() -> None:
        stream = await async_client.chat.completions.create(**STREAM)
        assert isinstance(stream, openai.AsyncStream)
        assert len(await _read(stream)) == 4

    asyncio.run(read())
    assert parts(recording) == GREETING
    assert recording.attributes["gen_ai.response.time_to_first_chunk"] > 0


@pytest.mark.parametrize("how", ["with", "close", "aclose"])
def test_an_async_stream_left_early_ends_without_error(recording: Any, async_client: AsyncOpenAI, how: str) -> None:
    async def leave() -> None:
        stream = await async_client.chat.completions.create(**STREAM)
        if how == "with":
            async with stream:
                await stream.__anext__()
        else:
            await stream.__anext__()
            if not hasattr(openai.AsyncStream, how):
                pytest.skip(f"no {how} in this version of the client")
            await getattr(stream, how)()

    asyncio.run(leave())
    assert recording.span.status.is_ok


def test_an_async_stream_dropped_is_abandoned(recording: Any, async_client: AsyncOpenAI) -> None:
    async def drop() -> None:
        await async_client.chat.completions.create(**STREAM)
        gc.collect()

    asyncio.run(drop())
    assert recording.attributes["error.type"] == "_OTHER"


def test_an_async_stream_cancelled_while_it_is_read(recording: Any, async_client: AsyncOpenAI, server: Any) -> None:
    server.hold = threading.Event()
    begun = threading.Event()

    async def read() -> None:
        async for chunk in await async_client.chat.completions.create(**STREAM):
            if chunk.choices[0].delta.content == "Hello":
                begun.set()

    cancelled(read, begun)
    assert recording.attributes["error.type"] == "asyncio.exceptions.CancelledError"
    assert parts(recording) == BEGUN


def test_an_async_generator_around_a_stream_closed_elsewhere_logs_nothing(
    recording: Any, async_client: AsyncOpenAI, caplog: Any
) -> None:
    async def words() -> Any:
        async for chunk in await async_client.chat.completions.create(**STREAM):
            yield chunk.choices[0].delta.content

    async def leave() -> None:
        generator = words()
        await generator.__anext__()
        await asyncio.create_task(generator.aclose())

    asyncio.run(leave())
    gc.collect()
    assert len(recording.spans) == 1
    assert not [record for record in caplog.records if "ontext" in record.message]


def test_the_async_stream_helper(recording: Any, async_client: AsyncOpenAI, server: Any) -> None:
    async def read() -> None:
        async with server.helpers(async_client).stream(**HELLO) as stream:
            async for _ in stream:
                pass

    asyncio.run(read())
    assert parts(recording) == GREETING


def test_async_raw_responses_and_streams(recording: Any, async_client: AsyncOpenAI) -> None:
    async def read() -> None:
        raw = await async_client.chat.completions.with_raw_response.create(**HELLO)
        assert raw.parse().choices[0].message.content == "Hello there"
        raw = await async_client.chat.completions.with_raw_response.create(**STREAM)
        assert len(await _read(raw.parse())) == 4
        async with async_client.chat.completions.with_streaming_response.create(**HELLO) as response:
            assert (await response.parse()).choices[0].message.content == "Hello there"
        async with async_client.chat.completions.with_streaming_response.create(**HELLO) as response:
            assert (await response.json())["id"] == "chatcmpl-1"
        async with async_client.chat.completions.with_streaming_response.create(**STREAM) as response:
            assert len(await _read(await response.parse())) == 4

    asyncio.run(read())
    assert len(recording.spans) == 5
    for span in recording.spans:
        assert span.status.is_ok
        assert json.loads(span.attributes["gen_ai.output.messages"])[0]["parts"] == GREETING
