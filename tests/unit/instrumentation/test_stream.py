"""Streams that are plain iterators; a client's own classes are tested with the client."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import threading
from pathlib import Path
from types import GeneratorType
from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanProcessor

from langfuse_otel.instrumentation.abandoned import AbandonedStreams


def said(recording: Any) -> str:
    return str(json.loads(recording.attributes["gen_ai.output.messages"])[0]["parts"][0]["content"])


def test_a_generator_is_read_as_before_and_stays_one(recording: Any, client: Any) -> None:
    letters = client.spell("hello")
    assert isinstance(letters, GeneratorType)
    assert "".join(letters) == "hello"
    assert said(recording) == "hello"
    assert recording.attributes["gen_ai.usage.input_tokens"] == 5


def test_closing_a_generator_ends_the_call(recording: Any, client: Any) -> None:
    letters = client.spell("hello")
    next(letters)
    letters.close()
    assert said(recording) == "h"
    assert recording.span.status.is_ok


def test_reading_on_after_the_end_changes_nothing(recording: Any, client: Any) -> None:
    letters = client.spell("hi")
    assert [*letters, *letters] == ["h", "i"]
    letters.close()
    assert len(recording.spans) == 1


def test_a_generator_has_no_more_methods_than_before(recording: Any, client: Any) -> None:
    letters = client.spell("hi")
    assert not hasattr(letters, "aclose")
    with pytest.raises(AttributeError):
        letters.__enter__()


def test_an_async_iterator(recording: Any, client: Any) -> None:
    async def read() -> str:
        return "".join([letter async for letter in await client.spell_async("hello")])

    assert asyncio.run(read()) == "hello"
    assert said(recording) == "hello"


def test_an_async_iterator_may_be_closed_in_another_task(recording: Any, client: Any, caplog: Any) -> None:
    async def leave() -> None:
        letters = await client.spell_async("hello")
        await letters.__anext__()
        await asyncio.create_task(letters.aclose())

    asyncio.run(leave())
    assert said(recording) == "h"
    assert not caplog.records


def drop_in_a_cycle(client: Any) -> None:
    cycle: list[Any] = []
    cycle.append((client.spell("hello"), cycle))
    next(cycle[0][0])
    del cycle
    gc.collect()


def test_a_stream_found_by_the_garbage_collector_ends_in_a_thread_of_its_own(
    recording: Any, client: Any, instrumentor: Any
) -> None:
    # A span may not end inside the collector: the thread that it runs in may hold an exporter's lock.
    ended_in: list[int] = []
    processor = SpanProcessor()
    processor.on_end = lambda _: ended_in.append(threading.get_ident())  # type: ignore[method-assign]
    recording.tracer_provider.add_span_processor(processor)
    drop_in_a_cycle(client)
    recording.wait_for(1)
    assert recording.attributes["error.type"] == "_OTHER"
    assert threading.get_ident() not in ended_in


def test_where_no_thread_can_be_had_it_ends_with_the_next_call(
    recording: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("_thread.start_new_thread", no_thread)
    drop_in_a_cycle(client)
    assert recording.spans == ()
    client.say("next")
    dropped, _ = recording.spans
    assert dropped.attributes["error.type"] == "_OTHER"


def test_a_forked_child_leaves_the_parents_streams_alone(recording: Any, client: Any) -> None:
    letters = client.spell("hello")
    next(letters)
    child = AbandonedStreams()
    child.watch(letters._self_progress)
    child.after_fork_child()
    child.end_all()
    assert recording.spans == ()
    letters.close()


PROGRAM = """
import sys
from types import ModuleType
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
sys.path.insert(0, sys.argv[1])
from conftest import Client, EchoInstrumentor

module = sys.modules["echo_client"] = ModuleType("echo_client")
module.Client = Client
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
EchoInstrumentor().instrument(tracer_provider=provider)

letters = Client().spell("hello")
for letter in letters:
    break
cycle = [Client().spell("ho")]
cycle.append(cycle)
"""


def test_streams_that_are_open_when_the_program_ends_are_recorded() -> None:
    here = str(Path(__file__).parent)
    ran = subprocess.run([sys.executable, "-c", PROGRAM, here], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.count('"description": "abandoned stream"') == 2
    assert ran.stderr == ""
