"""The Responses API."""

from __future__ import annotations

import asyncio
import json
from importlib.util import find_spec
from typing import Any

import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

pytestmark = pytest.mark.skipif(find_spec("openai.resources.responses") is None, reason="a client from before 1.66")

HELLO: dict[str, Any] = {"model": "gpt-4o-mini", "input": "Hi"}


class City(BaseModel):
    name: str


def recorded(recording: Any, which: str) -> Any:
    return json.loads(recording.attributes[f"gen_ai.{which}"])


def test_a_call_tells_request_usage_and_answer(recording: Any, client: OpenAI) -> None:
    client.responses.create(
        **HELLO,
        instructions="Be kind",
        temperature=0.2,
        max_output_tokens=64,
        reasoning={"effort": "low"},
        previous_response_id="resp_0",
        text={"format": {"type": "json_object"}},
        tools=[{"type": "function", "name": "weather", "parameters": {}, "strict": True}, {"type": "web_search"}],
    )
    expected = {
        "gen_ai.operation.name": "chat",
        "openai.api.type": "responses",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.request.previous_response.id": "resp_0",
        "gen_ai.output.type": "json",
        "gen_ai.response.id": "resp_1",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.finish_reasons": ("stop",),
        "openai.response.service_tier": "default",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.cache_write.input_tokens": 1,
        "gen_ai.usage.reasoning.output_tokens": 3,
    }
    assert {name: recording.attributes.get(name) for name in expected} == expected
    assert recorded(recording, "system_instructions") == [{"type": "text", "content": "Be kind"}]
    assert recorded(recording, "input.messages") == [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]
    assert recorded(recording, "tool.definitions") == [
        {"type": "function", "name": "weather", "parameters": {}},
        {"type": "web_search", "name": "web_search"},
    ]
    assert recorded(recording, "output.messages") == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Hello there"}], "finish_reason": "stop"}
    ]


def test_the_conversation_is_that_of_the_request_or_of_the_answer(recording: Any, client: OpenAI, server: Any) -> None:
    client.responses.create(**HELLO, extra_body={"conversation": "conv_0"})
    server.answer = server.response(conversation={"id": "conv_1"})
    client.responses.create(**HELLO)
    assert [span.attributes.get("gen_ai.conversation.id") for span in recording.spans] == ["conv_0", "conv_1"]


def test_input_items_become_messages(recording: Any, client: OpenAI) -> None:
    items = [
        {"role": "system", "content": "Be kind"},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Look"},
                {"type": "input_image", "image_url": "data:image/png;base64,aGk="},
                {"type": "input_image", "file_id": "file-1"},
                {"type": "input_file", "file_url": "https://example.org/a.pdf"},
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}]},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city": "Ulm"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "rain"},
    ]
    client.responses.create(**{**HELLO, "input": items})
    assert recorded(recording, "input.messages") == [
        {"role": "system", "parts": [{"type": "text", "content": "Be kind"}]},
        {
            "role": "user",
            "parts": [
                {"type": "text", "content": "Look"},
                {"type": "blob", "modality": "image", "content": "aGk=", "mime_type": "image/png"},
                {"type": "file", "modality": "image", "file_id": "file-1"},
                {"type": "uri", "modality": "document", "uri": "https://example.org/a.pdf"},
            ],
        },
        {"role": "assistant", "parts": [{"type": "reasoning", "content": "Hm"}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "name": "weather", "arguments": {"city": "Ulm"}, "id": "call_1"}],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "rain", "id": "call_1"}]},
    ]


def test_output_items_become_parts_of_one_message(recording: Any, client: OpenAI, server: Any) -> None:
    server.answer = server.response(
        [
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}]},
            {
                "type": "web_search_call",
                "id": "ws_1",
                "status": "completed",
                "action": {"type": "search", "query": "q"},
            },
            {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "arguments": "{}"},
            {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "aGk="},
            {"type": "not_invented_yet", "id": "x_1"},
        ]
    )
    client.responses.create(**HELLO)
    parts = recorded(recording, "output.messages")[0]["parts"]
    assert [part["type"] for part in parts] == [
        "reasoning",
        "server_tool_call",
        "tool_call",
        "blob",
        "server_tool_call",
    ]
    assert parts[1]["server_tool_call"]["action"]["query"] == "q"
    assert recording.attributes["gen_ai.response.finish_reasons"] == ("tool_calls",)


def test_an_incomplete_response_says_why(recording: Any, client: OpenAI, server: Any) -> None:
    server.answer = server.response(status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    client.responses.create(**HELLO)
    assert recording.attributes["gen_ai.response.finish_reasons"] == ("length",)
    assert recording.span.status.is_ok


def test_a_failed_response_is_an_error_although_the_call_returns(recording: Any, client: OpenAI, server: Any) -> None:
    server.answer = server.response([], status="failed", error={"code": "server_error", "message": "boom"})
    client.responses.create(**HELLO)
    assert recording.attributes["error.type"] == "server_error"
    assert not recording.span.status.is_ok


def test_structured_output(recording: Any, client: OpenAI, server: Any) -> None:
    server.answer = server.response()
    server.answer["output"][0]["content"][0]["text"] = '{"name": "Ulm"}'
    parsed = client.responses.parse(**HELLO, text_format=City)
    assert parsed.output_parsed == City(name="Ulm")
    assert recording.attributes["gen_ai.output.type"] == "json"


def test_a_stream_is_the_final_response(recording: Any, client: OpenAI) -> None:
    assert len(list(client.responses.create(**HELLO, stream=True))) == 8
    assert recording.attributes["gen_ai.usage.input_tokens"] == 12
    assert recorded(recording, "output.messages")[0]["parts"] == [{"type": "text", "content": "Hello there"}]


def test_a_stream_that_breaks_off_keeps_what_came(recording: Any, client: OpenAI) -> None:
    with client.responses.create(**HELLO, stream=True) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                break
    assert recording.attributes["gen_ai.response.id"] == "resp_1"
    assert recording.attributes["gen_ai.response.finish_reasons"] == ("error",)
    assert recorded(recording, "output.messages")[0]["parts"] == [{"type": "text", "content": "Hello"}]
    assert recording.span.status.is_ok


def test_a_stream_that_breaks_off_keeps_thoughts_and_calls_half_done(
    recording: Any, client: OpenAI, server: Any
) -> None:
    thought = {"id": "rs_1", "type": "reasoning", "summary": []}
    call = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "weather", "arguments": ""}
    place = {"item_id": "rs_1", "output_index": 0}
    sent = [
        server.events()[0],
        {"type": "response.output_item.added", "output_index": 0, "item": thought},
        {"type": "response.reasoning_summary_text.delta", **place, "summary_index": 0, "delta": "Hm"},
        {"type": "response.output_item.added", "output_index": 1, "item": call},
        {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 1, "delta": '{"city":'},
        {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 1, "delta": ' "U'},
    ]
    server.stream = [{**event, "sequence_number": number} for number, event in enumerate(sent)]
    with client.responses.create(**HELLO, stream=True) as stream:
        for event in stream:
            if event.sequence_number == len(sent) - 1:
                break
    assert recorded(recording, "output.messages")[0]["parts"] == [
        {"type": "reasoning", "content": "Hm"},
        {"type": "tool_call", "name": "weather", "arguments": '{"city": "U', "id": "call_1"},
    ]


@pytest.mark.parametrize("last", [{"type": "error", "code": "overloaded", "message": "busy", "param": None}])
def test_an_error_event_is_an_error(recording: Any, client: OpenAI, server: Any, last: dict[str, Any]) -> None:
    server.stream = [*server.events()[:4], {**last, "sequence_number": 4}]
    try:
        list(client.responses.create(**HELLO, stream=True))
    except Exception:
        expected = "openai.APIError"
    else:
        expected = "overloaded"
    assert recording.attributes["error.type"] == expected
    assert recorded(recording, "output.messages")[0]["parts"] == [{"type": "text", "content": "Hello"}]


def test_the_stream_helper(recording: Any, client: OpenAI) -> None:
    with client.responses.stream(**HELLO) as stream:
        final = stream.get_final_response()
    assert final.output_text == "Hello there"
    assert recording.attributes["gen_ai.usage.input_tokens"] == 12


def test_async_call_stream_and_helper(recording: Any, async_client: AsyncOpenAI) -> None:
    async def calls() -> None:
        await async_client.responses.create(**HELLO)
        async for _ in await async_client.responses.create(**HELLO, stream=True):
            pass
        async with async_client.responses.stream(**HELLO) as stream:
            await stream.get_final_response()

    asyncio.run(calls())
    assert [span.attributes["gen_ai.usage.output_tokens"] for span in recording.spans] == [7, 7, 7]


def test_a_response_in_the_background_has_its_usage_where_it_is_reported(
    recording: Any, client: OpenAI, server: Any
) -> None:
    server.answer = {**server.response(output=[], status="queued", usage=None), "background": True}
    client.responses.create(model="gpt-4o-mini", input="Hi", background=True)
    server.answer = None
    client.responses.retrieve("resp_1")
    begun, fetched = recording.spans
    assert "gen_ai.response.finish_reasons" not in begun.attributes
    assert fetched.name == "fetch_response"
    assert fetched.attributes["gen_ai.response.status"] == "completed"
    assert "gen_ai.usage.input_tokens" not in fetched.attributes
    assert "Hello there" in fetched.attributes["gen_ai.output.messages"]
