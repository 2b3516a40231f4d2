"""Chat models and LLMs."""

from __future__ import annotations

import asyncio
import gc
import json
from contextvars import copy_context
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from opentelemetry import context as otel_context
from opentelemetry.trace import StatusCode, get_current_span

from langfuse_otel.provenance import PromptRef, remember, using

SAID = [{"role": "assistant", "parts": [{"type": "text", "content": "Hello there"}], "finish_reason": "stop"}]


async def _drain(stream: Any) -> list[Any]:
    return [chunk async for chunk in stream]


CALLS = {
    "invoke": lambda model: model.invoke("Hi"),
    "ainvoke": lambda model: asyncio.run(model.ainvoke("Hi")),
    "stream": lambda model: list(model.stream("Hi")),
    "astream": lambda model: asyncio.run(_drain(model.astream("Hi"))),
    "batch": lambda model: model.batch(["Hi"]),
    "abatch": lambda model: asyncio.run(model.abatch(["Hi"])),
    "generate": lambda model: model.generate([[HumanMessage("Hi")]]),
    "astream_events": lambda model: asyncio.run(_drain(model.astream_events("Hi", version="v2"))),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


@every_call
def test_a_call_is_one_generation_whatever_is_below_it(model: Any, both: Any, call: Any) -> None:
    call(model)
    attributes = both.attributes
    assert both.span.name == "chat gpt-4o-mini"
    assert both.span.status.status_code is StatusCode.UNSET
    assert attributes["gen_ai.provider.name"] == "openai"
    assert attributes["server.address"] == "127.0.0.1"
    assert attributes["gen_ai.response.model"] == "gpt-4o-mini-2024-07-18"
    assert attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert attributes["gen_ai.usage.input_tokens"] == 12
    assert attributes["gen_ai.usage.output_tokens"] == 7
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 4
    assert attributes["gen_ai.usage.reasoning.output_tokens"] == 3
    assert json.loads(attributes["gen_ai.output.messages"]) == SAID


@every_call
def test_spans_made_inside_a_call_hang_below_it(recording: Any, call: Any) -> None:
    tracer = recording.tracer_provider.get_tracer("app")

    class Model(FakeListChatModel):
        def _call(self, *args: Any, **kwargs: Any) -> str:
            tracer.start_span("inner").end()
            return "Hello"

        def _stream(self, *args: Any, **kwargs: Any) -> Any:
            tracer.start_span("inner").end()
            yield from super()._stream(*args, **kwargs)

        async def _astream(self, *args: Any, **kwargs: Any) -> Any:
            tracer.start_span("inner").end()
            async for chunk in super()._astream(*args, **kwargs):
                yield chunk

    call(Model(responses=["Hello"]))
    inner, outer = recording.spans
    assert outer.name == "chat"
    assert inner.name == "inner"
    assert inner.parent.span_id == outer.context.span_id


def test_parameters_become_attributes(server: Any, recording: Any) -> None:
    chat = ChatOpenAI(
        base_url=server.url, api_key="x", model="gpt-4o", temperature=0.5, top_p=0.9, seed=3, max_retries=0
    )
    chat.bind(stop=["X"], max_tokens=9).invoke("Hi", {"metadata": {"team": "a"}, "tags": ["blue"]})
    attributes = recording.attributes
    assert attributes["gen_ai.request.temperature"] == 0.5
    assert attributes["gen_ai.request.top_p"] == 0.9
    assert attributes["gen_ai.request.seed"] == 3
    assert attributes["gen_ai.request.max_tokens"] == 9
    assert attributes["gen_ai.request.stop_sequences"] == ("X",)
    assert attributes["langfuse.observation.metadata.team"] == "a"
    assert attributes["langfuse.trace.tags"] == ("blue",)


def test_messages_tools_and_media_become_parts(model: Any, server: Any, recording: Any) -> None:
    server.answers = [server.tool_call("weather", city="Rome")]

    def weather(city: str) -> str:
        """Says it."""
        return city

    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AQ=="}}
    model.bind_tools([weather]).invoke(
        [
            SystemMessage("Be kind"),
            HumanMessage([{"type": "text", "text": "?"}, image]),
            AIMessage("", tool_calls=[{"id": "t1", "name": "weather", "args": {"city": "Rome"}}]),
            ToolMessage("sunny", tool_call_id="t1"),
        ]
    )
    attributes = recording.attributes
    system, asked, called, answered = json.loads(attributes["gen_ai.input.messages"])
    assert system == {"role": "system", "parts": [{"type": "text", "content": "Be kind"}]}
    assert asked["parts"][1] == {"type": "blob", "modality": "image", "content": "AQ==", "mime_type": "image/png"}
    assert called["parts"] == [{"type": "tool_call", "id": "t1", "name": "weather", "arguments": {"city": "Rome"}}]
    assert answered["parts"] == [{"type": "tool_call_response", "id": "t1", "response": "sunny"}]
    assert json.loads(attributes["gen_ai.tool.definitions"])[0]["name"] == "weather"
    (said,) = json.loads(attributes["gen_ai.output.messages"])
    assert said["parts"] == [
        {"type": "tool_call", "id": "call_weather", "name": "weather", "arguments": {"city": "Rome"}}
    ]


def test_an_error_keeps_its_type_and_status(model: Any, server: Any, both: Any) -> None:
    server.status = [429]
    with pytest.raises(Exception, match="no such thing"):
        model.invoke("Hi")
    assert both.span.status.status_code is StatusCode.ERROR
    assert both.attributes["error.type"].endswith("RateLimitError")
    assert both.attributes["http.response.status_code"] == 429


def test_a_cancelled_call_is_an_error(recording: Any) -> None:
    class Slow(FakeListChatModel):
        async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
            started.set()
            await asyncio.Event().wait()

    async def cancel() -> None:
        task = asyncio.create_task(Slow(responses=["x"]).ainvoke("Hi"))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    started = asyncio.Event()
    asyncio.run(cancel())
    assert recording.attributes["error.type"] == "asyncio.exceptions.CancelledError"


def test_a_stream_that_is_dropped_ends_with_what_came(model: Any, recording: Any) -> None:
    for chunk in model.stream("Hi"):
        if chunk.content:
            break
    del chunk
    gc.collect()
    assert recording.span.status.status_code is StatusCode.UNSET
    assert "Hello" in recording.attributes["gen_ai.output.messages"]


def test_the_loop_over_a_stream_is_outside_its_span(model: Any, both: Any) -> None:
    for _ in model.stream("Hi"):
        assert not get_current_span().is_recording()
        assert otel_context.get_current() == {}


def test_a_stream_may_be_read_in_another_context_each_time(model: Any, both: Any) -> None:
    stream = model.stream("Hi")
    while copy_context().run(next, stream, None) is not None:
        pass
    assert both.span.status.status_code is StatusCode.UNSET


def test_an_async_stream_that_is_left_ends_its_span(model: Any, both: Any) -> None:
    async def leave() -> None:
        async for _ in model.astream("Hi"):
            break

    asyncio.run(leave())
    assert both.span.status.status_code is StatusCode.UNSET


def test_an_answer_from_the_cache_costs_nothing(model: Any, recording: Any) -> None:
    model.cache = InMemoryCache()
    model.invoke("Hi")
    model.invoke("Hi")
    first, second = recording.spans
    assert "langfuse.observation.cost_details" not in first.attributes
    assert json.loads(second.attributes["langfuse.observation.cost_details"]) == {"total": 0}


def test_an_llm_is_a_text_completion(server: Any, both: Any) -> None:
    OpenAI(base_url=server.url, api_key="x", model="davinci", max_retries=0).invoke("Hi")
    attributes = both.attributes
    assert both.span.name == "text_completion davinci"
    assert attributes["gen_ai.usage.input_tokens"] == 12
    assert json.loads(attributes["gen_ai.input.messages"])[0]["parts"] == [{"type": "text", "content": "Hi"}]
    assert json.loads(attributes["gen_ai.output.messages"]) == SAID


def test_embeddings_are_left_to_the_client_below(server: Any, both: Any) -> None:
    OpenAIEmbeddings(base_url=server.url, api_key="x", check_embedding_ctx_length=False).embed_query("Hi")
    assert both.attributes["gen_ai.operation.name"] == "embeddings"


def test_a_prompt_is_linked_by_the_text_it_compiled_to(model: Any, recording: Any) -> None:
    remember("Tell me of Rome, please", PromptRef("travel", 3))
    model.invoke("Tell me of Rome, please")
    assert recording.attributes["gen_ai.prompt.name"] == "travel"
    assert recording.attributes["gen_ai.prompt.version"] == "3"


@pytest.mark.parametrize("call", ["invoke", "stream"])
def test_a_prompt_is_linked_by_the_block_around_the_call(model: Any, recording: Any, call: str) -> None:
    with using(PromptRef("travel", 3)):
        list(getattr(model, call)("Hi"))
    assert recording.attributes["gen_ai.prompt.name"] == "travel"


def test_a_prompt_is_linked_by_the_metadata_as_with_langfuses_own_handler(model: Any, recording: Any) -> None:
    model.invoke("Hi", {"metadata": {"langfuse_prompt": PromptRef("travel", 3)}})
    assert recording.attributes["gen_ai.prompt.name"] == "travel"


def test_answers_with_missing_fields_are_told_as_far_as_they_go(model: Any, server: Any, recording: Any) -> None:
    server.answers = [{"choices": [{"index": 0, "message": {"role": "assistant", "content": ""}}]}]
    model.invoke("Hi")
    assert recording.span.status.status_code is StatusCode.UNSET
    assert "gen_ai.usage.input_tokens" not in recording.attributes
