"""Messages: what a span says of a request and of its answer."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import anthropic
import pytest
from anthropic import AnthropicBedrock, AnthropicVertex, AsyncAnthropic
from opentelemetry.trace import StatusCode

from support.cancelled import cancelled

HELLO: dict[str, Any] = {"model": "claude-opus-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]}
WEATHER: dict[str, Any] = {
    "name": "weather",
    "description": "Weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def messages(recording: Any, which: str) -> list[dict[str, Any]]:
    recorded: list[dict[str, Any]] = json.loads(recording.attributes[f"gen_ai.{which}.messages"])
    return recorded


def test_a_call_tells_model_usage_and_answer(recording: Any, client: Any, server: Any) -> None:
    client.messages.create(
        **HELLO,
        system="Be brief",
        stop_sequences=["x"],
        service_tier="auto",
        extra_body={"temperature": 0.5, "top_p": 0.9, "top_k": 3, "output_config": {"effort": "low"}},
    )
    said = {name: value for name, value in recording.attributes.items() if name.startswith(("gen_ai", "server"))}
    content = {name: json.loads(said.pop(name)) for name in list(said) if said[name] and str(said[name])[0] == "["}
    assert recording.span.name == "chat claude-opus-5"
    assert recording.span.kind.name == "CLIENT"
    assert said == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-opus-5",
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.top_k": 3,
        "gen_ai.request.stop_sequences": ("x",),
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.response.id": "msg_1",
        "gen_ai.response.model": "claude-sonnet-4-5-20250929",
        "gen_ai.response.finish_reasons": ("end_turn",),
        "gen_ai.usage.input_tokens": 142,  # 12, and 100 read from the cache, and 30 written to it
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 100,
        "gen_ai.usage.cache_write.input_tokens": 30,
        "gen_ai.usage.reasoning.output_tokens": 3,
    }
    assert content == {
        "gen_ai.system_instructions": [{"type": "text", "content": "Be brief"}],
        "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}],
        "gen_ai.output.messages": [
            {"role": "assistant", "parts": [{"type": "text", "content": "Hello there"}], "finish_reason": "end_turn"}
        ],
    }
    assert recording.attributes["anthropic.request.id"] == "req_1"
    assert recording.attributes["anthropic.usage.cache_creation.ephemeral_1h_input_tokens"] == 10
    assert recording.attributes["anthropic.response.service_tier"] == "standard"


def test_every_kind_of_block_is_told(recording: Any, client: Any) -> None:
    conversation: list[Any] = [
        {
            "role": "user",
            "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                {"type": "image", "source": {"type": "url", "url": "https://example.org/cat.png"}},
                {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "A text"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm", "signature": "s"},
                {"type": "redacted_thinking", "data": "zzz"},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Ulm"}},
                {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "Ulm"}},
                {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "Rain"}]},
                {"type": "tool_result", "tool_use_id": "toolu_2", "content": "Sun"},
            ],
        },
    ]
    client.messages.create(
        **{**HELLO, "messages": conversation}, tools=[WEATHER, {"type": "web_search_20250305", "name": "web_search"}]
    )
    user, assistant, tool = messages(recording, "input")
    assert user["parts"] == [
        {"type": "blob", "modality": "image", "content": "aGk=", "mime_type": "image/png"},
        {"type": "uri", "modality": "image", "uri": "https://example.org/cat.png"},
        {"type": "file", "modality": "document", "file_id": "file_1"},
        {"type": "text", "content": "A text"},
    ]
    assert [part["type"] for part in assistant["parts"]] == [
        "reasoning",
        "redacted_thinking",
        "tool_call",
        "server_tool_call",
        "server_tool_call_response",
    ]
    assert assistant["parts"][2] == {
        "type": "tool_call",
        "id": "toolu_1",
        "name": "weather",
        "arguments": {"city": "Ulm"},
    }
    assert tool == {
        "role": "tool",
        "parts": [
            {"type": "tool_call_response", "id": "toolu_1", "response": "Rain"},
            {"type": "tool_call_response", "id": "toolu_2", "response": "Sun"},
        ],
    }
    function, search = json.loads(recording.attributes["gen_ai.tool.definitions"])
    assert function["parameters"] == WEATHER["input_schema"]
    assert search == {"type": "web_search_20250305", "name": "web_search"}


def test_tool_calls_and_thinking_of_the_answer(recording: Any, client: Any, server: Any) -> None:
    server.answer = server.message(
        [
            {"type": "thinking", "thinking": "Let me see", "signature": "s"},
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Ulm"}},
        ],
        stop_reason="tool_use",
    )
    client.messages.create(**HELLO, thinking={"type": "enabled", "budget_tokens": 1024})
    assert messages(recording, "output") == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Let me see"},
                {"type": "tool_call", "id": "toolu_1", "name": "weather", "arguments": {"city": "Ulm"}},
            ],
            "finish_reason": "tool_use",
        }
    ]
    assert recording.attributes["anthropic.thinking.budget_tokens"] == 1024


def test_an_answer_that_is_sent_back_is_an_input(recording: Any, client: Any) -> None:
    answer = client.messages.create(**HELLO)
    client.messages.create(**{**HELLO, "messages": [{"role": "assistant", "content": answer.content}]})
    second = json.loads(recording.spans[1].attributes["gen_ai.input.messages"])
    assert second[0]["parts"] == [{"type": "text", "content": "Hello there"}]


def test_an_error_tells_status_and_request_id(recording: Any, client: Any, server: Any) -> None:
    server.status = [529]
    with pytest.raises(anthropic.APIStatusError) as raised:
        client.messages.create(**HELLO)
    assert recording.attributes["error.type"] == f"{raised.type.__module__}.{raised.type.__qualname__}"
    assert recording.attributes["http.response.status_code"] == 529
    assert recording.attributes["anthropic.request.id"] == "req_1"
    assert recording.span.status.status_code is StatusCode.ERROR
    assert "overloaded_error" in recording.span.status.description


def test_retries_of_the_client_are_counted_on_one_span(recording: Any, client: Any, server: Any) -> None:
    server.status = [529, 529]
    client.with_options(max_retries=2).messages.create(**HELLO)
    assert recording.attributes["http.request.resend_count"] == 2
    assert recording.span.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"content": None, "usage": None},
        {"content": [{"type": "new_block", "x": 1}], "usage": {"input_tokens": "many"}},
    ],
)
def test_a_body_that_is_no_message_costs_attributes_only(recording: Any, client: Any, server: Any, answer: Any) -> None:
    server.answer = answer
    client.messages.create(**HELLO)
    assert recording.span.status.status_code is StatusCode.UNSET
    assert "gen_ai.usage.input_tokens" not in recording.attributes


def test_messages_from_a_generator_reach_the_server_and_the_span(recording: Any, client: Any, server: Any) -> None:
    client.messages.create(**{**HELLO, "messages": (message for message in HELLO["messages"])})
    assert server.requests[0]["messages"] == HELLO["messages"]
    assert len(messages(recording, "input")) == 1


def test_a_raw_response_is_handed_on_untouched(recording: Any, client: Any) -> None:
    raw = client.messages.with_raw_response.create(**HELLO)
    assert recording.attributes["gen_ai.usage.input_tokens"] == 142
    assert raw.headers["request-id"] == "req_1"
    assert raw.parse().content[0].text == "Hello there"
    assert len(recording.spans) == 1


def test_a_streaming_response_ends_with_its_body(recording: Any, client: Any) -> None:
    with client.messages.with_streaming_response.create(**HELLO) as response:
        assert response.parse().content[0].text == "Hello there"
    assert messages(recording, "output")[0]["parts"] == [{"type": "text", "content": "Hello there"}]


def test_async_calls_say_the_same(recording: Any, async_client: AsyncAnthropic) -> None:
    asyncio.run(async_client.messages.create(**HELLO))
    assert recording.attributes["gen_ai.usage.input_tokens"] == 142
    assert messages(recording, "output")[0]["parts"] == [{"type": "text", "content": "Hello there"}]


def test_a_cancelled_call_is_an_error(recording: Any, async_client: AsyncAnthropic, server: Any) -> None:
    server.hold = threading.Event()

    cancelled(lambda: async_client.messages.create(**HELLO), server.asked)
    assert recording.attributes["error.type"] == "asyncio.exceptions.CancelledError"


# Platforms


@pytest.fixture
def bedrock(server: Any) -> AnthropicBedrock:
    pytest.importorskip("boto3")
    return AnthropicBedrock(
        base_url=server.url, aws_access_key="k", aws_secret_key="s", aws_region="eu-central-1", max_retries=0
    )


@pytest.fixture
def vertex(server: Any) -> AnthropicVertex:
    pytest.importorskip("google.auth")
    return AnthropicVertex(base_url=server.url, project_id="p", region="r", access_token="t", max_retries=0)


@pytest.mark.parametrize(("platform", "provider"), [("bedrock", "aws.bedrock"), ("vertex", "gcp.vertex_ai")])
@pytest.mark.parametrize("beta", [False, True])
def test_platforms_are_told_by_their_client(
    recording: Any, request: pytest.FixtureRequest, platform: str, provider: str, beta: bool
) -> None:
    client = request.getfixturevalue(platform)
    resource = client.beta.messages if beta else client.messages
    assert resource.create(**HELLO).content[0].text == "Hello there"
    assert len(list(resource.create(**HELLO, stream=True))) > 2
    if hasattr(resource, "stream"):
        with resource.stream(**HELLO) as stream:
            stream.until_done()
    for span in recording.spans:
        assert span.attributes["gen_ai.provider.name"] == provider
        assert span.attributes["gen_ai.usage.input_tokens"] == 142
        assert "Hello there" in span.attributes["gen_ai.output.messages"]
    assert len(recording.spans) == 2 + hasattr(resource, "stream")
