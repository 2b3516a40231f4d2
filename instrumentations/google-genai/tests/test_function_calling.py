"""Automatic function calling: an agent span, a generation for each request, a tool span for each function run.

Annotations are no strings here: older clients read those of the functions as they are.
"""

import asyncio
import json
from typing import Any

import pytest
from google.genai import Client, types

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel_google_genai import GoogleGenAIInstrumentor

MODEL = "gemini-2.5-flash"


def weather(city: str) -> str:
    """Weather of a city."""
    if city == "Atlantis":
        raise LookupError("no such city")
    return f"Rain in {city}"


async def weather_async(city: str) -> str:
    """Weather of a city."""
    return weather(city)


def wants(city: str, name: str = "weather") -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": {"city": city}}}


def by_operation(recording: Any) -> dict[str, list[Any]]:
    spans: dict[str, list[Any]] = {}
    for span in recording.spans:
        spans.setdefault(span.attributes["gen_ai.operation.name"], []).append(span)
    return spans


def assert_is_one_agent(recording: Any, result: str = "Rain in Ulm") -> None:
    """An agent with two generations and a tool below it, in one trace, and usage on the generations only."""
    spans = by_operation(recording)
    (agent,), (tool,) = spans["invoke_agent"], spans["execute_tool"]
    assert len(spans["generate_content"]) == 2
    assert len(recording.spans) == 4
    for span in (*spans["generate_content"], tool):
        assert span.parent is not None
        assert span.parent.span_id == agent.context.span_id
    assert agent.parent is None
    assert agent.kind.name == tool.kind.name == "INTERNAL"
    assert agent.attributes["gen_ai.request.model"] == MODEL
    assert not [name for name in agent.attributes if name.startswith("gen_ai.usage")]
    assert "Sunshine" not in json.dumps(dict(tool.attributes))
    assert tool.attributes["gen_ai.tool.call.result"] == json.dumps(result)
    assert json.loads(tool.attributes["gen_ai.tool.call.arguments"]) == {"city": "Ulm"}
    assert "It rains" in agent.attributes["gen_ai.output.messages"]
    assert "Will it rain?" in agent.attributes["gen_ai.input.messages"]
    second = json.loads(spans["generate_content"][1].attributes["gen_ai.input.messages"])
    assert [message["role"] for message in second] == ["user", "assistant", "tool"]


@pytest.fixture
def rain(server: Any) -> None:
    server.answers = [server.answer(wants("Ulm")), server.answer({"text": "It rains"})]


@pytest.fixture
def rain_streamed(server: Any) -> None:
    server.answers = [[server.answer(wants("Ulm"))], server.chunks("It", " rains")]


@pytest.mark.usefixtures("rain")
def test_a_call_with_functions_is_an_agent(recording: Any, client: Client) -> None:
    answer = client.models.generate_content(model=MODEL, contents="Will it rain?", config={"tools": [weather]})
    assert answer.text == "It rains"
    assert_is_one_agent(recording)
    assert by_operation(recording)["execute_tool"][0].name == "execute_tool weather"


@pytest.mark.usefixtures("rain_streamed")
def test_a_stream_with_functions_is_an_agent(recording: Any, client: Client) -> None:
    stream = client.models.generate_content_stream(model=MODEL, contents="Will it rain?", config={"tools": [weather]})
    assert "".join(chunk.text or "" for chunk in stream) == "It rains"
    assert_is_one_agent(recording)


@pytest.mark.usefixtures("rain")
def test_a_chat_with_functions_is_an_agent(recording: Any, client: Client) -> None:
    chat = client.chats.create(model=MODEL, config=types.GenerateContentConfig(tools=[weather]))
    assert chat.send_message("Will it rain?").text == "It rains"
    assert_is_one_agent(recording)


@pytest.mark.usefixtures("rain_streamed")
def test_a_streamed_chat_with_functions_is_an_agent(recording: Any, client: Client) -> None:
    chat = client.chats.create(model=MODEL, config={"tools": [weather]})
    assert "".join(chunk.text or "" for chunk in chat.send_message_stream("Will it rain?")) == "It rains"
    assert_is_one_agent(recording)


@pytest.mark.usefixtures("rain")
@pytest.mark.parametrize("tool", [weather, weather_async])
def test_async_calls_say_the_same(recording: Any, client: Client, server: Any, tool: Any) -> None:
    server.answers[0] = server.answer(wants("Ulm", tool.__name__))

    async def ask() -> Any:
        config = types.GenerateContentConfig(tools=[tool])
        return await client.aio.models.generate_content(model=MODEL, contents="Will it rain?", config=config)

    assert asyncio.run(ask()).text == "It rains"
    assert_is_one_agent(recording)


@pytest.mark.usefixtures("rain_streamed")
@pytest.mark.parametrize("chats", [True, False])
def test_async_streams_say_the_same(recording: Any, client: Client, chats: bool) -> None:
    async def ask() -> str:
        config = types.GenerateContentConfig(tools=[weather])
        if chats:
            chat = client.aio.chats.create(model=MODEL, config=config)
            stream = await chat.send_message_stream("Will it rain?")
        else:
            stream = await client.aio.models.generate_content_stream(
                model=MODEL, contents="Will it rain?", config=config
            )
        return "".join([chunk.text or "" async for chunk in stream])

    assert asyncio.run(ask()) == "It rains"
    assert_is_one_agent(recording)


def test_a_function_that_raises_is_an_error_of_the_tool_only(recording: Any, client: Client, server: Any) -> None:
    server.answers = [server.answer(wants("Atlantis")), server.answer({"text": "No idea"})]
    client.models.generate_content(model=MODEL, contents="Will it rain?", config={"tools": [weather]})
    failed = [span for span in recording.spans if not span.status.is_ok]
    assert [span.name for span in failed] == ["execute_tool weather"]
    assert failed[0].attributes["error.type"].rpartition(".")[2] in ("LookupError", "FunctionInvocationError")
    assert "no such city" in str(server.requests[1])


def test_functions_that_the_client_may_not_run_make_no_agent(recording: Any, client: Client, server: Any) -> None:
    server.answers = [server.answer(wants("Ulm"))]
    config = {"tools": [weather], "automatic_function_calling": {"disable": True}}
    client.models.generate_content(model=MODEL, contents="Will it rain?", config=config)  # type: ignore[arg-type]
    assert recording.span.name == f"generate_content {MODEL}"
    assert json.loads(recording.attributes["gen_ai.tool.definitions"])[0]["name"] == "weather"


def test_a_tool_may_call_a_model_itself(recording: Any, client: Client, server: Any) -> None:
    def ask(city: str) -> str:
        """Weather of a city."""
        return client.models.generate_content(model=MODEL, contents=f"Rain in {city}?").text or ""

    server.answers = [server.answer(wants("Ulm", "ask")), server.answer({"text": "Yes"}), server.answer({"text": "It"})]
    client.models.generate_content(model=MODEL, contents="Will it rain?", config={"tools": [ask]})
    spans = by_operation(recording)
    (tool,) = spans["execute_tool"]
    inner = [span for span in spans["generate_content"] if span.parent.span_id == tool.context.span_id]
    assert len(inner) == 1
    assert len(spans["generate_content"]) == 3


def test_without_capture_arguments_and_results_are_not_recorded(client: Client, server: Any) -> None:
    server.answers = [server.answer(wants("Ulm")), server.answer({"text": "It rains"})]
    with Recording().of(GoogleGenAIInstrumentor(), capture_content="NO_CONTENT") as recording:
        client.models.generate_content(model=MODEL, contents="Will it rain?", config={"tools": [weather]})
    assert len(recording.spans) == 4
    assert "Ulm" not in str([dict(span.attributes or {}) for span in recording.spans])


def test_a_stream_with_functions_that_is_closed_ends_all_its_spans(
    recording: Any, client: Client, rain_streamed: None
) -> None:
    stream: Any = client.models.generate_content_stream(model=MODEL, contents="?", config={"tools": [weather]})
    next(stream)
    stream.close()
    assert {span.attributes["gen_ai.operation.name"] for span in recording.spans} == {
        "invoke_agent",
        "generate_content",
        "execute_tool",
    }
