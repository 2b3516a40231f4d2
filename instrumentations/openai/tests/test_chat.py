"""Chat completions: what a span says of a request and of its answer."""

from __future__ import annotations

import asyncio
import json
import threading
from inspect import signature
from typing import Any

import openai
import pytest
from openai import LengthFinishReasonError, OpenAI
from pydantic import BaseModel, ValidationError

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel_openai import OpenAIInstrumentor
from support.cancelled import cancelled

HELLO = [{"role": "user", "content": "Hi"}]
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


class City(BaseModel):
    name: str


def messages(recording: Any, which: str) -> list[dict[str, Any]]:
    recorded: list[dict[str, Any]] = json.loads(recording.attributes[f"gen_ai.{which}.messages"])
    return recorded


def test_a_call_tells_model_usage_and_answer(recording: Any, client: Any, server: Any) -> None:
    client.chat.completions.create(
        model="gpt-4o-mini",
        messages=HELLO,
        temperature=0.2,
        top_p=0.9,
        max_tokens=64,
        frequency_penalty=0.1,
        presence_penalty=0.3,
        stop=["x"],
        seed=7,
        n=2,
        extra_body={"reasoning_effort": "low"},
        service_tier="auto",
        response_format={"type": "json_object"},
    )
    assert recording.span.name == "chat gpt-4o-mini"
    assert recording.span.kind.name == "CLIENT"
    content = {name: recording.attributes[name] for name in ("gen_ai.input.messages", "gen_ai.output.messages")}
    assert {name: value for name, value in recording.attributes.items() if name not in content} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.frequency_penalty": 0.1,
        "gen_ai.request.presence_penalty": 0.3,
        "gen_ai.request.stop_sequences": ("x",),
        "gen_ai.request.seed": 7,
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.output.type": "json",
        "openai.api.type": "chat_completions",
        "openai.request.service_tier": "auto",
        "openai.response.service_tier": "default",
        "openai.response.system_fingerprint": "fp_1",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 3,
        "gen_ai.usage.audio.input_tokens": 2,
        "gen_ai.usage.audio.output_tokens": 1,
    }
    assert messages(recording, "input") == [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]
    assert messages(recording, "output") == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Hello there"}], "finish_reason": "stop"}
    ]


def test_arguments_that_are_not_given_leave_no_attribute(recording: Any, client: Any) -> None:
    sentinel = getattr(openai, "omit", openai.NOT_GIVEN)
    client.chat.completions.create(
        model="gpt-4o-mini", messages=HELLO, temperature=sentinel, tools=sentinel, stream=sentinel, n=1
    )
    assert not {"gen_ai.request.temperature", "gen_ai.tool.definitions", "gen_ai.request.stream"} & set(
        recording.attributes
    )
    assert "gen_ai.request.choice.count" not in recording.attributes


def test_tools_their_calls_and_their_results(recording: Any, client: Any, server: Any) -> None:
    call: dict[str, Any] = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city": "Ulm"}'},
    }
    server.answer = server.answer_for("chat", {})
    server.answer["choices"][0]["message"] = {"role": "assistant", "content": None, "tool_calls": [call]}
    server.answer["choices"][0]["finish_reason"] = "tool_calls"
    asked = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [{**call, "id": "call_0"}]},
        {"role": "tool", "tool_call_id": "call_0", "content": "rain"},
    ]
    client.chat.completions.create(model="gpt-4o-mini", messages=asked, tools=[WEATHER])
    assert json.loads(recording.attributes["gen_ai.tool.definitions"]) == [{"type": "function", **WEATHER["function"]}]
    part = {"type": "tool_call", "name": "weather", "arguments": {"city": "Ulm"}}
    assert messages(recording, "input")[1:] == [
        {"role": "assistant", "parts": [{**part, "id": "call_0"}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "rain", "id": "call_0"}]},
    ]
    assert messages(recording, "output") == [
        {"role": "assistant", "parts": [{**part, "id": "call_1"}], "finish_reason": "tool_calls"}
    ]


def test_an_answer_sent_back_as_an_object_reads_like_the_dict(recording: Any, client: Any) -> None:
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=HELLO).choices[0].message
    client.chat.completions.create(model="gpt-4o-mini", messages=[*HELLO, answer])
    sent = json.loads(recording.spans[1].attributes["gen_ai.input.messages"])
    assert sent[1] == {"role": "assistant", "parts": [{"type": "text", "content": "Hello there"}]}


def test_media_become_blob_uri_and_file_parts(recording: Any, client: Any) -> None:
    content = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}},
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk="}},
    ]
    client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": content}])
    assert messages(recording, "input")[0]["parts"] == [
        {"type": "text", "content": "Look"},
        {"type": "blob", "modality": "image", "content": "aGk=", "mime_type": "image/png"},
        {"type": "uri", "modality": "image", "uri": "https://example.org/cat.png"},
        {"type": "blob", "modality": "audio", "content": "aGk=", "mime_type": "audio/mp3"},
        {"type": "file", "modality": "document", "file_id": "file-1"},
        {"type": "blob", "modality": "document", "content": "aGk=", "mime_type": "application/pdf"},
    ]


def test_each_choice_is_a_message(recording: Any, client: Any, server: Any) -> None:
    server.answer = server.answer_for("chat", {})
    cut = {"index": 1, "message": {"role": "assistant", "content": "Hel"}, "finish_reason": "length"}
    server.answer["choices"].append(cut)
    client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, n=2)
    said = [(message["parts"][0]["content"], message["finish_reason"]) for message in messages(recording, "output")]
    assert said == [("Hello there", "stop"), ("Hel", "length")]
    assert recording.attributes["gen_ai.response.finish_reasons"] == ("stop", "length")


def test_a_refusal_is_a_part_of_its_own(recording: Any, client: Any, server: Any) -> None:
    server.answer = server.answer_for("chat", {})
    server.answer["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": "No."}
    client.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert messages(recording, "output")[0]["parts"] == [{"type": "refusal", "content": "No."}]


def test_reasoning_of_a_compatible_server_is_shown(recording: Any, client: Any, server: Any) -> None:
    server.answer = server.answer_for("chat", {})
    server.answer["choices"][0]["message"]["reasoning_content"] = "Let me think"
    client.chat.completions.create(model="deepseek-r1", messages=HELLO)
    assert messages(recording, "output")[0]["parts"][0] == {"type": "reasoning", "content": "Let me think"}


def test_structured_output_is_parsed_as_without_us(recording: Any, client: Any, server: Any) -> None:
    server.answer = server.answer_for("chat", {})
    server.answer["choices"][0]["message"]["content"] = '{"name": "Ulm"}'
    parsed = server.helpers(client).parse(model="gpt-4o-mini", messages=HELLO, response_format=City)
    assert parsed.choices[0].message.parsed == City(name="Ulm")
    assert recording.attributes["gen_ai.output.type"] == "json"
    assert messages(recording, "output")[0]["parts"] == [{"type": "text", "content": '{"name": "Ulm"}'}]


def test_structured_output_cut_short_is_an_error_with_its_usage(recording: Any, client: Any, server: Any) -> None:
    server.answer = server.answer_for("chat", {})
    server.answer["choices"][0]["finish_reason"] = "length"
    with pytest.raises(LengthFinishReasonError):
        server.helpers(client).parse(model="gpt-4o-mini", messages=HELLO, response_format=City)
    assert recording.attributes["error.type"] == "openai.LengthFinishReasonError"
    if "completion" in signature(LengthFinishReasonError).parameters:  # it carries the answer since 1.43
        assert recording.attributes["gen_ai.usage.output_tokens"] == 7


def test_messages_from_a_generator_reach_the_server_and_the_span(recording: Any, client: Any, server: Any) -> None:
    client.chat.completions.create(model="gpt-4o-mini", messages=(message for message in HELLO))
    assert server.requests[0]["messages"] == HELLO
    assert len(messages(recording, "input")) == 1


def test_200_messages_are_one_attribute(recording: Any, client: Any) -> None:
    client.chat.completions.create(model="gpt-4o-mini", messages=HELLO * 200)
    assert len(messages(recording, "input")) == 200
    assert len(recording.attributes) < 32


def test_20_megabytes_of_image_arrive_whole(recording: Any, client: Any) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 20_000_000}}
    client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": [image]}])
    assert len(messages(recording, "input")[0]["parts"][0]["content"]) == 20_000_000


def test_a_body_that_is_no_completion_costs_attributes_only(recording: Any, client: Any, server: Any) -> None:
    server.answer = {"choices": None, "usage": {"prompt_tokens": "many"}, "model": 7}
    client.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert recording.span.status.is_ok
    assert "gen_ai.usage.input_tokens" not in recording.attributes


def test_a_server_that_does_not_answer_is_an_error(recording: Any, server: Any) -> None:
    server.close()
    with OpenAI(base_url=server.url, api_key="k", max_retries=0) as client, pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hi"}])
    assert recording.attributes["error.type"] == "openai.APIConnectionError"
    assert recording.span.status.description == "Connection error."
    assert recording.metrics()["gen_ai.client.operation.duration"][0].attributes["error.type"] is not None


def test_an_answer_that_does_not_parse_is_quoted_only_where_content_is_recorded(client: Any, server: Any) -> None:
    described = []
    for capture in ("SPAN_ONLY", "NO_CONTENT"):
        with Recording().of(OpenAIInstrumentor(), capture_content=capture) as recording:
            with pytest.raises(ValidationError):
                server.helpers(client).parse(model="gpt-4o-mini", messages=HELLO, response_format=City)
            described.append(str(recording.span.status.description))
    shown, withheld = described
    assert "Hello there" in shown
    assert withheld.endswith("ValidationError")


def test_retries_of_the_client_are_one_span(recording: Any, client: Any, server: Any) -> None:
    server.status = [503]
    client.with_options(max_retries=1).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert len(server.requests) == 2
    assert recording.attributes["http.request.resend_count"] == 1
    assert recording.span.status.is_ok


def test_wrong_arguments_raise_the_clients_own_error(recording: Any, client: Any) -> None:
    with pytest.raises(TypeError):
        client.chat.completions.create()
    assert recording.attributes["error.type"] == "TypeError"


def test_async_calls_say_the_same(recording: Any, async_client: Any) -> None:
    answer = asyncio.run(async_client.chat.completions.create(model="gpt-4o-mini", messages=HELLO))
    assert answer.choices[0].message.content == "Hello there"
    assert recording.attributes["gen_ai.usage.input_tokens"] == 12
    assert messages(recording, "output")[0]["parts"] == [{"type": "text", "content": "Hello there"}]


def test_a_cancelled_call_is_an_error(recording: Any, async_client: Any, server: Any) -> None:
    server.hold = threading.Event()

    cancelled(lambda: async_client.chat.completions.create(model="gpt-4o-mini", messages=HELLO), server.asked)
    assert recording.attributes["error.type"] == "asyncio.exceptions.CancelledError"


def test_metrics_are_recorded_with_the_conventions_names(recording: Any, client: Any) -> None:
    client.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    metrics = recording.metrics()
    duration = metrics["gen_ai.client.operation.duration"][0]
    assert duration.count == 1
    assert duration.attributes["gen_ai.response.model"] == "gpt-4o-mini-2024-07-18"
    assert duration.explicit_bounds[0] == 0.01
    tokens = {point.attributes["gen_ai.token.type"]: point.sum for point in metrics["gen_ai.client.token.usage"]}
    assert tokens == {"input": 12, "output": 7}
