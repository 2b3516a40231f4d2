"""The client traces itself since 1.14: one span a call, with what both know."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import Any

import pytest
from anthropic import Anthropic, AsyncAnthropic
from opentelemetry import context as otel_context
from opentelemetry.trace import StatusCode, set_span_in_context

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.instrumentation.wrap import find
from langfuse_otel_anthropic import AnthropicInstrumentor
from langfuse_otel_anthropic.hooks import SELF_TRACED

if find_spec("anthropic._tracing") is None:
    pytest.skip("a client from before 1.14", allow_module_level=True)

HELLO: dict[str, Any] = {"model": "claude-opus-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def backend() -> Any:
    """Where both the client's and our spans go, as they do when neither is given a provider."""
    recording = Recording()
    with recording.of(AnthropicInstrumentor()):
        yield recording


def options(backend: Recording, **traces: Any) -> Any:
    return {"tracer_provider": backend.tracer_provider, "traces": traces}


@pytest.fixture
def client(server: Any, backend: Recording) -> Anthropic:
    return Anthropic(base_url=server.url, api_key="k", max_retries=0, open_telemetry=options(backend))


@pytest.fixture
def async_client(server: Any, backend: Recording) -> AsyncAnthropic:
    return AsyncAnthropic(base_url=server.url, api_key="k", max_retries=0, open_telemetry=options(backend))


def test_the_client_still_starts_its_spans_where_we_look() -> None:
    assert all(find(target) for target in SELF_TRACED)


def test_without_us_the_client_makes_a_span(client: Anthropic, backend: Recording) -> None:
    AnthropicInstrumentor().uninstrument()
    client.messages.create(**HELLO)
    assert backend.span.name == "anthropic.messages.create"


@pytest.mark.parametrize("how", ["create", "stream=True", "stream()", "raw", "parse"])
def test_a_call_is_one_span_with_what_both_know(client: Anthropic, backend: Recording, how: str) -> None:
    if how == "create":
        client.messages.create(**HELLO)
    elif how == "stream=True":
        list(client.messages.create(**HELLO, stream=True))
    elif how == "stream()":
        with client.messages.stream(**HELLO) as stream:
            stream.until_done()
    elif how == "raw":
        client.messages.with_raw_response.create(**HELLO).parse()
    else:
        client.messages.parse(**HELLO)
    assert backend.span.name == "chat claude-opus-5"
    assert backend.attributes["anthropic.request.id"] == "req_1"
    assert backend.attributes["http.route"] == "/v1/messages"
    assert "Hello there" in backend.attributes["gen_ai.output.messages"]
    assert backend.attributes["gen_ai.usage.input_tokens"] == 142
    assert backend.span.status.status_code is StatusCode.UNSET


def test_async_calls_are_one_span_too(async_client: AsyncAnthropic, backend: Recording) -> None:
    async def call() -> None:
        await async_client.messages.create(**HELLO)
        async with async_client.messages.stream(**HELLO) as stream:
            await stream.until_done()

    asyncio.run(call())
    assert [span.name for span in backend.spans] == ["chat claude-opus-5"] * 2
    assert all("anthropic.request.id" in (span.attributes or {}) for span in backend.spans)


def test_an_error_is_told_in_our_words(client: Anthropic, backend: Recording, server: Any) -> None:
    server.status = [404]
    with pytest.raises(Exception, match="no such"):
        client.messages.create(**HELLO)
    assert backend.attributes["error.type"] == "anthropic.NotFoundError"


def test_the_request_names_our_span_as_its_parent(client: Anthropic, backend: Recording, server: Any) -> None:
    client.messages.create(**HELLO)
    sent = server.headers[0]["traceparent"].split("-")[2]
    assert backend.span.context is not None
    assert sent == f"{backend.span.context.span_id:016x}"


def test_content_that_the_client_would_record_is_ours_to_decide(server: Any) -> None:
    with Recording().of(AnthropicInstrumentor(), capture_content="NO_CONTENT") as recording:
        telling = Anthropic(base_url=server.url, api_key="k", open_telemetry=options(recording, content_mode="content"))
        telling.messages.create(**HELLO)
        with telling.messages.stream(**HELLO) as stream:
            stream.until_done()
    assert len(recording.spans) == 2
    assert "Hello" not in str([dict(span.attributes or {}) for span in recording.spans])


def test_below_a_framework_that_traces_the_call_both_are_silent(
    client: Anthropic, backend: Recording, server: Any
) -> None:
    outer = backend.tracer_provider.get_tracer("framework").start_span("chat by a framework")
    context = set_span_in_context(outer, otel_context.set_value("suppress_language_model_instrumentation", True))
    token = otel_context.attach(context)
    try:
        client.messages.create(**HELLO)
    finally:
        otel_context.detach(token)
    assert backend.spans == ()
    assert server.headers[0]["traceparent"].split("-")[2] == f"{outer.get_span_context().span_id:016x}"


def test_what_we_do_not_trace_the_client_still_does(client: Anthropic, backend: Recording) -> None:
    client.messages.count_tokens(model="claude-opus-5", messages=HELLO["messages"])
    assert backend.span.name == "anthropic.messages.count_tokens"


def test_a_client_that_does_not_trace_is_traced_by_us(server: Any, backend: Recording) -> None:
    Anthropic(base_url=server.url, api_key="k", open_telemetry=False).messages.create(**HELLO)
    assert backend.span.name == "chat claude-opus-5"


def test_a_stream_that_is_dropped_says_what_came(client: Anthropic, backend: Recording) -> None:
    stream = client.messages.create(**HELLO, stream=True)
    for event in stream:
        if event.type == "content_block_delta":
            break
    del stream
    backend.wait_for(1)
    assert backend.attributes["error.type"] == "_OTHER"
    assert "Hello" in backend.attributes["gen_ai.output.messages"]
