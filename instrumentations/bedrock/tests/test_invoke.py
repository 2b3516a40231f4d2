"""``invoke_model`` and its stream: every family's own bodies, which the application reads as ever."""

from __future__ import annotations

import gc
import io
import json
from typing import Any, NamedTuple

import pytest
from botocore.response import StreamingBody
from opentelemetry.trace import StatusCode

TOKENS = {"x-amzn-bedrock-input-token-count": "12", "x-amzn-bedrock-output-token-count": "7"}


class Example(NamedTuple):
    """A family's request, answer and chunks, all saying "Hello there" to "Hi" with 12 and 7 tokens."""

    model: str
    request: dict[str, Any]
    answer: dict[str, Any]
    chunks: list[dict[str, Any]]
    reason: str = "stop"
    operation: str = "chat"


_CLAUDE_USAGE = {"input_tokens": 4, "output_tokens": 7, "cache_read_input_tokens": 6, "cache_creation_input_tokens": 2}
EXAMPLES = {
    "anthropic": Example(
        "anthropic.claude-3-5-sonnet-20241022-v2:0",
        {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 9,
            "temperature": 0.5,
            "messages": [{"role": "user", "content": "Hi"}],
        },
        {
            "id": "msg_1",
            "model": "claude-3-5-sonnet-20241022",
            "role": "assistant",
            "content": [{"type": "text", "text": "Hello there"}],
            "stop_reason": "end_turn",
            "usage": _CLAUDE_USAGE,
        },
        [
            {"type": "message_start", "message": {"id": "msg_1", "usage": {**_CLAUDE_USAGE, "output_tokens": 1}}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " there"}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}},
            {"type": "message_stop"},
        ],
        reason="end_turn",
    ),
    "nova": Example(
        "us.amazon.nova-pro-v1:0",
        {
            "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
            "inferenceConfig": {"maxTokens": 9, "temperature": 0.5},
        },
        {
            "output": {"message": {"role": "assistant", "content": [{"text": "Hello there"}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 12, "outputTokens": 7},
        },
        [
            {"messageStart": {"role": "assistant"}},
            {"contentBlockDelta": {"delta": {"text": "Hello"}, "contentBlockIndex": 0}},
            {"contentBlockDelta": {"delta": {"text": " there"}, "contentBlockIndex": 0}},
            {"messageStop": {"stopReason": "end_turn"}},
            {"metadata": {"usage": {"inputTokens": 12, "outputTokens": 7}}},
        ],
        reason="end_turn",
    ),
    "titan": Example(
        "amazon.titan-text-express-v1",
        {"inputText": "Hi", "textGenerationConfig": {"maxTokenCount": 9, "temperature": 0.5}},
        {
            "inputTextTokenCount": 12,
            "results": [{"tokenCount": 7, "outputText": "Hello there", "completionReason": "FINISH"}],
        },
        [
            {"outputText": "Hello", "index": 0, "completionReason": None},
            {
                "outputText": " there",
                "completionReason": "FINISH",
                "inputTextTokenCount": 12,
                "totalOutputTextTokenCount": 7,
            },
        ],
        reason="FINISH",
        operation="text_completion",
    ),
    "llama": Example(
        "meta.llama3-1-8b-instruct-v1:0",
        {"prompt": "Hi", "max_gen_len": 9, "temperature": 0.5},
        {"generation": "Hello there", "prompt_token_count": 12, "generation_token_count": 7, "stop_reason": "stop"},
        [
            {"generation": "Hello", "prompt_token_count": 12, "generation_token_count": 1, "stop_reason": None},
            {"generation": " there", "prompt_token_count": None, "generation_token_count": 7, "stop_reason": "stop"},
        ],
        operation="text_completion",
    ),
    "mistral, a prompt": Example(
        "mistral.mistral-7b-instruct-v0:2",
        {"prompt": "Hi", "max_tokens": 9, "temperature": 0.5},
        {"outputs": [{"text": "Hello there", "stop_reason": "stop"}]},
        [
            {"outputs": [{"text": "Hello", "stop_reason": None}]},
            {"outputs": [{"text": " there", "stop_reason": "stop"}]},
        ],
    ),
    "mistral, a chat": Example(
        "mistral.mistral-large-2407-v1:0",
        {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9, "temperature": 0.5},
        {
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "Hello there"}, "stop_reason": "stop"}
            ],
            "usage": {"prompt_tokens": 12, "completion_tokens": 7},
        },
        [
            {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "stop_reason": None}]},
            {"choices": [{"index": 0, "message": {"content": " there"}, "stop_reason": "stop"}]},
        ],
    ),
    "a maker that is not known": Example(
        "openai.gpt-oss-20b-1:0",
        {"messages": [{"role": "user", "content": "Hi"}], "max_completion_tokens": 9, "temperature": 0.5},
        {
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "Hello there"}, "finish_reason": "stop"}
            ],
            "usage": {"prompt_tokens": 12, "completion_tokens": 7},
        },
        [
            {"choices": [{"index": 0, "delta": {"content": "Hello"}}]},
            {"choices": [{"index": 0, "delta": {"content": " there"}, "finish_reason": "stop"}]},
        ],
    ),
    "cohere, a chat": Example(
        "cohere.command-r-plus-v1:0",
        {"message": "Hi", "max_tokens": 9, "temperature": 0.5},
        {"text": "Hello there", "generation_id": "g", "finish_reason": "COMPLETE"},
        [
            {"event_type": "text-generation", "text": "Hello", "is_finished": False},
            {"event_type": "text-generation", "text": " there", "is_finished": False},
            {"event_type": "stream-end", "finish_reason": "COMPLETE", "is_finished": True, "text": "Hello there"},
        ],
        reason="COMPLETE",
    ),
    "cohere, a prompt": Example(
        "cohere.command-text-v14",
        {"prompt": "Hi", "max_tokens": 9, "temperature": 0.5},
        {"generations": [{"text": "Hello there", "finish_reason": "COMPLETE"}], "prompt": "Hi"},
        [
            {"text": "Hello", "is_finished": False},
            {"text": " there", "is_finished": False},
            {"is_finished": True, "finish_reason": "COMPLETE"},
        ],
        reason="COMPLETE",
    ),
}


@pytest.fixture(params=EXAMPLES.values(), ids=EXAMPLES.keys())
def example(request: Any, server: Any) -> Example:
    chosen: Example = request.param
    server.answer, server.headers, server.events = chosen.answer, TOKENS, server.chunks(*chosen.chunks)
    return chosen


def _assert_told(recording: Any, example: Example) -> None:
    attributes = recording.attributes
    assert recording.span.name == f"{example.operation} {example.model}"
    assert recording.span.status.status_code is StatusCode.UNSET
    assert attributes["gen_ai.request.max_tokens"] == 9
    assert attributes["gen_ai.request.temperature"] == 0.5
    assert attributes["gen_ai.usage.input_tokens"] == 12
    assert attributes["gen_ai.usage.output_tokens"] == 7
    assert attributes["gen_ai.response.finish_reasons"] == (example.reason,)
    (asked,) = json.loads(attributes["gen_ai.input.messages"])
    assert asked == {"role": "user", "parts": [{"type": "text", "content": "Hi"}]}
    (said,) = json.loads(attributes["gen_ai.output.messages"])
    assert said["role"] == "assistant"
    assert said["parts"] == [{"type": "text", "content": "Hello there"}]


def test_an_answer_is_told(client: Any, recording: Any, example: Example) -> None:
    answer = client.invoke_model(modelId=example.model, body=json.dumps(example.request))
    assert json.loads(answer["body"].read()) == example.answer
    _assert_told(recording, example)


def test_a_stream_is_told(client: Any, recording: Any, example: Example) -> None:
    answer = client.invoke_model_with_response_stream(modelId=example.model, body=json.dumps(example.request))
    received = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
    assert len(received) == len(example.chunks)
    _assert_told(recording, example)
    assert recording.attributes["gen_ai.response.time_to_first_chunk"] > 0


def test_cache_and_identity_of_claude_are_told(client: Any, server: Any, recording: Any) -> None:
    server.answer = EXAMPLES["anthropic"].answer
    client.invoke_model(modelId="anthropic.claude-x", body=b"{}")["body"].read()
    assert recording.attributes["gen_ai.usage.cache_read.input_tokens"] == 6
    assert recording.attributes["gen_ai.usage.cache_write.input_tokens"] == 2
    assert recording.attributes["gen_ai.response.id"] == "msg_1"
    assert recording.attributes["gen_ai.response.model"] == "claude-3-5-sonnet-20241022"


def test_a_streamed_tool_call_of_claude_is_joined(client: Any, server: Any, recording: Any) -> None:
    block = {"type": "tool_use", "id": "t1", "name": "weather", "input": {}}
    server.events = server.chunks(
        {"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}},
        {"type": "content_block_start", "index": 1, "content_block": block},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"city":'}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '"Rome"}'}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 3}},
    )
    list(client.invoke_model_with_response_stream(modelId="anthropic.claude-x", body=b"{}")["body"])
    (said,) = json.loads(recording.attributes["gen_ai.output.messages"])
    assert said["parts"] == [
        {"type": "reasoning", "content": "Hm"},
        {"type": "tool_call", "id": "t1", "name": "weather", "arguments": {"city": "Rome"}},
    ]


def test_tools_and_results_in_the_body_of_claude_become_parts(client: Any, recording: Any) -> None:
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "sunny"}
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AQ=="}}
    body = {
        "system": "Be kind",
        "tools": [{"name": "weather", "description": "Says it", "input_schema": {"type": "object"}}],
        "messages": [
            {"role": "user", "content": [image]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "weather", "input": {}}]},
            {"role": "user", "content": [result]},
        ],
    }
    client.invoke_model(modelId="anthropic.claude-x", body=json.dumps(body))["body"].read()
    shown, called, answered = json.loads(recording.attributes["gen_ai.input.messages"])
    assert shown["parts"][0]["mime_type"] == "image/png"
    assert called["parts"][0]["type"] == "tool_call"
    assert answered == {"role": "tool", "parts": [{"type": "tool_call_response", "id": "t1", "response": "sunny"}]}
    assert json.loads(recording.attributes["gen_ai.system_instructions"])[0]["content"] == "Be kind"
    assert json.loads(recording.attributes["gen_ai.tool.definitions"])[0]["name"] == "weather"


@pytest.mark.parametrize(
    ("model", "request_body", "answer"),
    [
        ("amazon.titan-embed-text-v2:0", {"inputText": "Hi"}, {"embedding": [0.1, 0.2], "inputTextTokenCount": 12}),
        (
            "cohere.embed-english-v3",
            {"texts": ["Hi"], "input_type": "x"},
            {"embeddings": [[0.1, 0.2]], "texts": ["Hi"]},
        ),
        ("cohere.embed-v4:0", {"texts": ["Hi"], "input_type": "x"}, {"embeddings": {"float": [[0.1, 0.2]]}}),
    ],
)
def test_embeddings_are_told_without_their_vectors(
    client: Any, server: Any, recording: Any, model: str, request_body: dict[str, Any], answer: dict[str, Any]
) -> None:
    server.answer, server.headers = answer, {"x-amzn-bedrock-input-token-count": "12"}
    client.invoke_model(modelId=model, body=json.dumps(request_body))["body"].read()
    attributes = recording.attributes
    assert recording.span.name == f"embeddings {model}"
    assert attributes["gen_ai.usage.input_tokens"] == 12
    assert attributes["gen_ai.embeddings.dimension.count"] == 2
    assert "Hi" in attributes["gen_ai.input.messages"]
    assert "gen_ai.output.messages" not in attributes


@pytest.mark.parametrize("has_length", [True, False])
@pytest.mark.parametrize(
    "read",
    [
        lambda body: body.read(),
        lambda body: body.read(100_000),
        lambda body: b"".join(body.iter_chunks(7)),
        lambda body: b"\n".join(body.iter_lines()),
        lambda body: b"".join(body),
        lambda body: b"".join(body.readlines()),
        lambda body: b"".join(iter(lambda: body.read(3), b"")),
        lambda body: io.BufferedReader(body).read(),
        lambda body: json.dumps(json.load(body)).encode(),
        lambda body: body.__enter__().read(),
    ],
    ids=["read", "read(n)", "chunks", "lines", "iter", "readlines", "read(3)", "buffered", "json", "with"],
)
def test_a_body_is_read_in_whatever_way(client: Any, server: Any, recording: Any, read: Any, has_length: bool) -> None:
    server.length = has_length
    body = client.invoke_model(modelId="meta.llama3", body=b'{"prompt": "Hi"}')["body"]
    assert type(body) is StreamingBody
    assert json.loads(read(body))["generation"] == "Hello there"
    assert recording.span.status.status_code is StatusCode.UNSET
    assert recording.attributes["gen_ai.usage.output_tokens"] == 3


def test_a_body_that_is_closed_unread_ends_its_span_without_error(client: Any, recording: Any) -> None:
    client.invoke_model(modelId="meta.llama3", body=b"{}")["body"].close()
    assert recording.span.status.status_code is StatusCode.UNSET


def test_a_body_that_nobody_reads_ends_its_span_as_abandoned_with_the_tokens_of_the_headers(
    client: Any, server: Any, recording: Any
) -> None:
    server.headers = TOKENS
    client.invoke_model(modelId="meta.llama3", body=b"{}")
    gc.collect()
    assert recording.attributes["error.type"] == "_OTHER"
    assert recording.attributes["gen_ai.usage.output_tokens"] == 7


def test_a_body_given_as_a_file_is_the_clients_alone_to_read(client: Any, server: Any, recording: Any) -> None:
    client.invoke_model(modelId="meta.llama3", body=io.BytesIO(b'{"prompt": "Hi"}'))["body"].read()
    assert server.body == {"prompt": "Hi"}
    assert "gen_ai.input.messages" not in recording.attributes
    assert recording.attributes["gen_ai.usage.output_tokens"] == 3


@pytest.mark.parametrize("body", [b"no json", b"[]", b'{"prompt": 7}', b'{"messages": [null]}'])
def test_bodies_that_make_no_sense_cost_their_attributes_only(client: Any, recording: Any, body: bytes) -> None:
    for model in ("meta.llama3", "anthropic.claude-x", "cohere.command-r", "mistral.x", "amazon.titan-text"):
        client.invoke_model(modelId=model, body=body)["body"].read()
    assert len(recording.spans) == 5
    assert {span.status.status_code for span in recording.spans} == {StatusCode.UNSET}
