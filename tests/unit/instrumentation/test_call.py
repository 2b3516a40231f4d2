"""The life of a call."""

from __future__ import annotations

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from enum import Enum
from types import coroutine
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult
from opentelemetry.trace import StatusCode, get_current_span

from langfuse_otel.instrumentation import Hook
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.contract import Recording


def test_positional_arguments_are_read_by_name(recording: Any, client: Any) -> None:
    client.say("hello", "echo-2")
    assert recording.span.name == "chat echo-2"
    assert "hello" in recording.attributes["gen_ai.input.messages"]


def test_sync_and_async_say_the_same(recording: Any, client: Any) -> None:
    client.say("hello", model="m")
    asyncio.run(client.say_async("hello", model="m"))
    first, second = recording.spans
    assert dict(first.attributes) == dict(second.attributes)


def test_an_async_method_stays_one(recording: Any, client: Any) -> None:
    import inspect

    assert inspect.iscoroutinefunction(client.say_async)


@pytest.mark.parametrize("part", ["server", "request", "input", "response", "output", "accumulator"])
def test_a_function_of_ours_that_raises_costs_attributes_only(
    client: Any, instrumentor: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any, part: str
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("secret content")

    hooks = tuple(Hook(hook.target, replace(hook.endpoint, **{part: broken})) for hook in instrumentor.hooks)
    monkeypatch.setattr(type(instrumentor), "hooks", hooks)
    with caplog.at_level(logging.WARNING), Recording().of(instrumentor) as recording:
        assert client.say("hello")["said"] == "hello"
        assert list(client.spell("hi")) == ["h", "i"]
    assert len(recording.spans) == 2
    assert "secret content" not in caplog.text


def test_base_exceptions_pass_and_end_the_span(recording: Any, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(KeyboardInterrupt):
        pass

    class Text(str):
        def __eq__(self, other: object) -> bool:
            raise Interrupted

        __hash__ = str.__hash__

    with pytest.raises(Interrupted):
        client.say(Text("x"))
    assert recording.span.status.status_code is StatusCode.ERROR


def test_keys_in_an_errors_text_are_masked(recording: Any, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Leaky(str):
        def __eq__(self, other: object) -> bool:
            raise ValueError("bad key sk-proj-abcdefghijklmnop")

        __hash__ = str.__hash__

    with pytest.raises(ValueError, match="sk-proj-abcdefghijklmnop"):
        client.say(Leaky("x"))
    assert recording.attributes["error.type"] == "ValueError"
    assert "abcdefghijklmnop" not in recording.span.status.description


def test_a_sampler_sees_model_provider_and_server(client: Any, instrumentor: Any) -> None:
    seen: dict[str, Any] = {}

    class Remembering(Sampler):
        def should_sample(self, *args: Any, attributes: Any = None, **kwargs: Any) -> SamplingResult:
            seen.update(attributes or args[4])
            return SamplingResult(Decision.DROP)

        def get_description(self) -> str:
            return "remembering"

    instrumentor.instrument(tracer_provider=TracerProvider(sampler=Remembering()))
    client.say("hello", "m")
    instrumentor.uninstrument()
    assert seen == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "echo_inc",
        "gen_ai.request.model": "m",
        "server.address": "echo.test",
        "server.port": 1,
    }


def test_unsampled_calls_still_count_in_metrics(client: Any, instrumentor: Any) -> None:
    recording = Recording()
    instrumentor.instrument(tracer_provider=TracerProvider(sampler=ALWAYS_OFF), meter_provider=recording.meter_provider)
    client.say("hello")
    instrumentor.uninstrument()
    assert recording.metrics()["gen_ai.client.token.usage"][0].sum == 5


@pytest.mark.parametrize("when", ["on_start", "on_end"])
def test_a_span_processor_that_raises_does_not_reach_the_application(
    client: Any, instrumentor: Any, when: str, caplog: Any
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError

    processor = SpanProcessor()
    setattr(processor, when, broken)
    provider = TracerProvider()
    provider.add_span_processor(processor)
    instrumentor.instrument(tracer_provider=provider)
    try:
        assert client.say("hello")["said"] == "hello"
        assert list(client.spell("hi")) == ["h", "i"]
    finally:
        instrumentor.uninstrument()


def test_the_span_is_current_while_the_client_works(
    client: Any, instrumentor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    during: list[Any] = []

    def say(self: Any, text: str) -> Any:
        during.append(get_current_span())
        return {"said": text}

    monkeypatch.setattr(type(client), "say", say)
    with Recording().of(instrumentor) as recording:
        client.say("hello")
    assert during[0].get_span_context() == recording.span.context
    assert not get_current_span().get_span_context().is_valid


def test_a_coroutine_that_is_thrown_away_logs_nothing(
    client: Any, instrumentor: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    async def never(self: Any, text: str) -> Any:
        await asyncio.Future()

    monkeypatch.setattr(type(client), "say_async", never)
    with Recording().of(instrumentor) as recording:

        async def throw_away() -> Any:
            pending = client.say_async("hello")
            pending.send(None)
            return pending

        asyncio.run(throw_away()).close()
        assert recording.attributes["error.type"] == "GeneratorExit"
    assert not caplog.records
    assert otel_context.get_value("suppress_language_model_instrumentation") is None


def test_a_coroutine_closed_where_it_was_begun_leaves_the_context_as_it_was(
    client: Any, instrumentor: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    @coroutine
    def suspended() -> Any:
        yield

    async def never(self: Any, text: str) -> Any:
        await suspended()

    monkeypatch.setattr(type(client), "say_async", never)
    with Recording().of(instrumentor) as recording:
        pending = client.say_async("hello")
        pending.send(None)
        pending.close()
        assert not get_current_span().get_span_context().is_valid
        client.say("hello")
    assert ["error.type" in (span.attributes or ()) for span in recording.spans] == [True, False]
    assert not caplog.records


def test_a_list_that_the_application_changes_during_the_call_is_read_as_it_was_sent(
    client: Any, instrumentor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(self: Any, *, lines: list[str]) -> Any:
        lines.append("too late")
        return {"said": ""}

    def lines_of(arguments: Any) -> Any:
        return {names.INPUT_MESSAGES: [said.message("user", map(said.text, arguments["lines"]))]}

    monkeypatch.setattr(type(client), "say_async", slow)
    endpoint = replace(instrumentor.hooks[1].endpoint, input=lines_of, sequences=("lines",))
    monkeypatch.setattr(type(instrumentor), "hooks", (Hook(instrumentor.hooks[1].target, endpoint),))
    lines = ["in time"]
    with Recording().of(instrumentor) as recording:
        asyncio.run(client.say_async(lines=lines))
    assert lines == ["in time", "too late"]
    assert "too late" not in recording.attributes["gen_ai.input.messages"]


def test_a_model_given_as_an_enum_is_named_by_its_value(recording: Any, client: Any) -> None:
    class Model(str, Enum):
        SMALL = "echo-small"

    client.say("hello", model=Model.SMALL)
    assert recording.span.name == "chat echo-small"
    assert type(recording.attributes["gen_ai.request.model"]) is str


@pytest.mark.parametrize("options", [{"capture_content": "NO_CONTENT"}, {"mask": lambda content: content}])
def test_an_error_that_may_quote_content_is_described_only_where_content_is_recorded_as_it_is(
    client: Any, instrumentor: Any, options: dict[str, Any]
) -> None:
    described = []
    for options_of_this_time in ({}, options):
        with Recording().of(instrumentor, **options_of_this_time) as recording:
            with pytest.raises(ValueError, match="no"):
                client.say("fail")
            described.append(recording.span.status.description)
    assert described == ["no", "ValueError"]


def test_calls_of_many_threads_are_kept_apart(recording: Any, client: Any) -> None:
    def talk(number: int) -> None:
        for _ in range(20):
            client.say(f"thread {number}", f"model-{number}")
            assert "".join(client.spell(f"letters {number}", f"model-{number}")) == f"letters {number}"

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(talk, range(8)))
    assert len(recording.spans) == 320
    for span in recording.spans:
        number = span.attributes["gen_ai.request.model"].removeprefix("model-")
        for which in ("gen_ai.input.messages", "gen_ai.output.messages"):
            assert json.loads(span.attributes[which])[0]["parts"][0]["content"].endswith(f" {number}")
