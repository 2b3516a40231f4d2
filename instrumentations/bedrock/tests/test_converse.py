"""``converse`` and ``converse_stream``."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EventStreamError
from opentelemetry.trace import StatusCode

MODEL = "eu.anthropic.claude-sonnet-4-20250514-v1:0"
HI = [{"role": "user", "content": [{"text": "Hi"}]}]


def test_request_and_answer_become_attributes(client: Any, recording: Any) -> None:
    client.converse(
        modelId=MODEL,
        messages=HI,
        system=[{"text": "Be kind"}, {"cachePoint": {"type": "default"}}],
        inferenceConfig={"maxTokens": 9, "temperature": 0.5, "topP": 0.9, "stopSequences": ["X"]},
        additionalModelRequestFields={"top_k": 4},
        guardrailConfig={"guardrailIdentifier": "gr-1", "guardrailVersion": "1"},
    )
    attributes = recording.attributes
    assert recording.span.name == f"chat {MODEL}"
    assert attributes["gen_ai.provider.name"] == "aws.bedrock"
    assert attributes["gen_ai.request.max_tokens"] == 9
    assert attributes["gen_ai.request.temperature"] == 0.5
    assert attributes["gen_ai.request.top_p"] == 0.9
    assert attributes["gen_ai.request.top_k"] == 4
    assert attributes["gen_ai.request.stop_sequences"] == ("X",)
    assert attributes["aws.bedrock.guardrail.id"] == "gr-1"
    assert attributes["aws.request_id"] == "req-1"
    assert attributes["gen_ai.response.finish_reasons"] == ("end_turn",)
    assert json.loads(attributes["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be kind"}]
    assert json.loads(attributes["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Hello there"}], "finish_reason": "end_turn"}
    ]


def test_the_input_includes_what_came_from_and_went_to_the_cache(client: Any, recording: Any) -> None:
    client.converse(modelId=MODEL, messages=HI)
    assert recording.attributes["gen_ai.usage.input_tokens"] == 12 + 8 + 2
    assert recording.attributes["gen_ai.usage.output_tokens"] == 7
    assert recording.attributes["gen_ai.usage.cache_read.input_tokens"] == 8
    assert recording.attributes["gen_ai.usage.cache_write.input_tokens"] == 2


def test_tools_results_reasoning_and_media_become_parts(client: Any, server: Any, recording: Any) -> None:
    server.answer = server.converse_answer(
        [
            {"reasoningContent": {"reasoningText": {"text": "Hm"}}},
            {"toolUse": {"toolUseId": "t2", "name": "weather", "input": {"city": "Rome"}}},
        ],
        "tool_use",
    )
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    spec = {"name": "weather", "description": "Says it", "inputSchema": {"json": schema}}
    client.converse(
        modelId=MODEL,
        messages=[
            {"role": "user", "content": [{"image": {"format": "png", "source": {"bytes": b"\x01"}}}, {"text": "?"}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "weather", "input": {}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"json": {"sun": True}}]}}]},
        ],
        toolConfig={"tools": [{"toolSpec": spec}]},
    )
    attributes = recording.attributes
    asked, called, answered = json.loads(attributes["gen_ai.input.messages"])
    assert asked["parts"][0] == {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "AQ=="}
    assert called["parts"] == [{"type": "tool_call", "id": "t1", "name": "weather", "arguments": {}}]
    assert answered["role"] == "tool"
    assert answered["parts"] == [{"type": "tool_call_response", "id": "t1", "response": {"sun": True}}]
    (said,) = json.loads(attributes["gen_ai.output.messages"])
    assert [part["type"] for part in said["parts"]] == ["reasoning", "tool_call"]
    (definition,) = json.loads(attributes["gen_ai.tool.definitions"])
    assert definition == {"type": "function", "name": "weather", "description": "Says it", "parameters": schema}


def test_the_same_request_goes_out_and_the_same_answer_comes_back(client: Any, server: Any, recording: Any) -> None:
    traced = client.converse(modelId=MODEL, messages=HI)
    assert server.body == {"messages": HI}
    assert traced["output"] == server.converse_answer()["output"]


def test_a_stream_gives_the_answer_its_usage_and_the_request_id(client: Any, recording: Any) -> None:
    events = list(client.converse_stream(modelId=MODEL, messages=HI)["stream"])
    attributes = recording.attributes
    assert [next(iter(event)) for event in events][:2] == ["messageStart", "contentBlockDelta"]
    assert attributes["gen_ai.request.stream"] is True
    assert attributes["gen_ai.usage.input_tokens"] == 22
    assert attributes["gen_ai.response.finish_reasons"] == ("end_turn",)
    assert attributes["aws.request_id"] == "req-1"
    assert "Hello there" in attributes["gen_ai.output.messages"]


def test_a_streamed_tool_call_is_joined(client: Any, server: Any, recording: Any) -> None:
    start = {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t1", "name": "weather"}}}
    server.events = [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Hm"}}}),
        ("contentBlockStart", start),
        *(
            ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": piece}}})
            for piece in ('{"city":', '"Rome"}')
        ),
        ("messageStop", {"stopReason": "tool_use"}),
    ]
    list(client.converse_stream(modelId=MODEL, messages=HI)["stream"])
    (said,) = json.loads(recording.attributes["gen_ai.output.messages"])
    assert said["parts"] == [
        {"type": "reasoning", "content": "Hm"},
        {"type": "tool_call", "id": "t1", "name": "weather", "arguments": {"city": "Rome"}},
    ]


def test_a_loop_that_is_left_can_be_taken_up_again(client: Any, recording: Any) -> None:
    stream = client.converse_stream(modelId=MODEL, messages=HI)["stream"]
    for _ in stream:
        break
    assert recording.spans == ()
    list(stream)
    assert recording.span.status.status_code is StatusCode.UNSET
    assert "Hello there" in recording.attributes["gen_ai.output.messages"]


def test_an_error_event_reaches_the_application_and_the_span_keeps_what_came(
    client: Any, server: Any, recording: Any
) -> None:
    delta = ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hel"}})
    server.events = [delta, ("throttlingException", {"message": "slow down"})]
    with pytest.raises(EventStreamError, match="throttlingException"):
        list(client.converse_stream(modelId=MODEL, messages=HI)["stream"])
    assert recording.span.status.status_code is StatusCode.ERROR
    assert recording.attributes["error.type"] == "botocore.exceptions.EventStreamError"
    assert "Hel" in recording.attributes["gen_ai.output.messages"]


def test_a_broken_connection_is_the_clients_own_error(client: Any, server: Any, recording: Any) -> None:
    server.events = [("messageStart", {"role": "assistant"}), RuntimeError()]
    with pytest.raises(Exception) as raised:
        list(client.converse_stream(modelId=MODEL, messages=HI)["stream"])
    kind = raised.type
    assert recording.attributes["error.type"] == f"{kind.__module__}.{kind.__qualname__}"


def test_throttling_keeps_its_type_status_and_request_id(client: Any, server: Any, recording: Any) -> None:
    server.errors = [(429, "ThrottlingException")]
    with pytest.raises(ClientError) as raised:
        client.converse(modelId=MODEL, messages=HI)
    assert isinstance(raised.value, client.exceptions.ThrottlingException)
    assert recording.attributes["error.type"] == "botocore.errorfactory.ThrottlingException"
    assert recording.attributes["http.response.status_code"] == 429
    assert recording.attributes["aws.request_id"] == "req-1"
    assert "ThrottlingException" in str(recording.span.status.description)


def test_retries_inside_the_client_are_counted(make_client: Any, server: Any, recording: Any) -> None:
    server.errors = [(503, "ServiceUnavailableException")]
    make_client(attempts=2).converse(modelId=MODEL, messages=HI)
    assert len(server.requests) == 2
    assert recording.attributes["http.request.resend_count"] == 1


def test_parameters_that_the_client_refuses_are_refused_as_ever(client: Any, recording: Any) -> None:
    with pytest.raises(Exception, match="modelId"):
        client.converse(messages="no list", modelId=7)
    assert recording.span.status.status_code is StatusCode.ERROR


@pytest.mark.parametrize(
    ("model_id", "name"),
    [
        ("arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
        ("arn:aws:bedrock:eu-west-1:1:inference-profile/eu.amazon.nova-lite-v1:0", "eu.amazon.nova-lite-v1:0"),
        ("arn:aws:bedrock:eu-west-1:1:application-inference-profile/abc", None),
        ("eu.amazon.nova-lite-v1:0", None),
    ],
)
def test_an_arn_is_known_by_the_model_in_it(client: Any, recording: Any, model_id: str, name: str | None) -> None:
    client.converse(modelId=model_id, messages=HI)
    assert recording.attributes["gen_ai.request.model"] == (name or model_id)


def test_other_services_and_operations_are_left_alone(client: Any, make_client: Any, recording: Any) -> None:
    make_client("s3").list_buckets()
    assert recording.spans == ()


def test_odd_but_legal_answers_are_told_as_far_as_they_go(client: Any, server: Any, recording: Any) -> None:
    server.answer = {"output": {"message": {"role": "assistant", "content": []}}, "stopReason": "guardrail_intervened"}
    client.converse(modelId=MODEL, messages=HI)
    assert recording.attributes["gen_ai.response.finish_reasons"] == ("guardrail_intervened",)
    assert "gen_ai.usage.input_tokens" not in recording.attributes
