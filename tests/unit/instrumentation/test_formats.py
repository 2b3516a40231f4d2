"""Bodies of models, whoever carries them."""

from __future__ import annotations

from typing import Any

import pytest

from langfuse_otel.instrumentation import Endpoint, agent_endpoint, formats
from langfuse_otel.instrumentation import attributes as names

HELLO = [{"role": "assistant", "parts": [{"type": "text", "content": "Hello"}], "finish_reason": "stop"}]
ANSWERS: list[tuple[Endpoint, dict[str, Any]]] = [
    (formats.MESSAGES, {"content": [{"type": "text", "text": "Hello"}], "stop_reason": "stop"}),
    (
        formats.CONVERSE,
        {"output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}}, "stopReason": "stop"},
    ),
    (
        formats.GENERATE_CONTENT,
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP"}]},
    ),
    (
        formats.RESPONSES,
        {"status": "completed", "output": [{"content": [{"type": "output_text", "text": "Hello"}]}]},
    ),
    (formats.CHAT, {"choices": [{"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]}),
    (formats.CHAT, {"choices": [{"message": {"content": "Hello"}, "stop_reason": "stop"}]}),
    (formats.CHAT, {"text": "Hello", "finish_reason": "stop"}),
    (formats.COMPLETION, {"generation": "Hello", "stop_reason": "stop"}),
    (formats.COMPLETION, {"results": [{"outputText": "Hello", "completionReason": "stop"}]}),
    (formats.COMPLETION, {"outputs": [{"text": "Hello", "stop_reason": "stop"}]}),
    (formats.COMPLETION, {"generations": [{"text": "Hello", "finish_reason": "stop"}]}),
]
STREAMS: list[tuple[Endpoint, list[dict[str, Any]]]] = [
    (
        formats.MESSAGES,
        [
            {"type": "message_start", "message": {"id": "m"}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
            {"type": "message_delta", "delta": {"stop_reason": "stop"}},
        ],
    ),
    (
        formats.CONVERSE,
        [
            {"messageStart": {"role": "assistant"}},
            {"contentBlockDelta": {"delta": {"text": "Hel"}, "contentBlockIndex": 0}},
            {"contentBlockDelta": {"delta": {"text": "lo"}, "contentBlockIndex": 0}},
            {"contentBlockDelta": {"delta": {"SDK_UNKNOWN_MEMBER": {"name": "new"}}, "contentBlockIndex": 1}},
            {"messageStop": {"stopReason": "stop"}},
        ],
    ),
    (
        formats.GENERATE_CONTENT,
        [
            {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hel"}]}}], "modelVersion": "g"},
            {"candidates": [{"content": {"parts": [{"text": "lo"}]}}]},
            {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 1}},
        ],
    ),
    (
        formats.RESPONSES,
        [
            {"type": "response.created", "response": {"id": "r", "status": "in_progress"}},
            {"type": "response.output_text.delta", "output_index": 0, "delta": "Hel"},
            {"type": "response.output_text.delta", "output_index": 0, "delta": "lo"},
            {
                "type": "response.completed",
                "response": {"status": "completed", "output": [{"type": "message", "content": "Hello"}]},
            },
        ],
    ),
    (
        formats.CHAT,
        [
            {"choices": [{"delta": {"role": "assistant", "content": "Hel"}}]},
            {"choices": [{"delta": {"content": "lo"}, "finish_reason": "stop"}]},
        ],
    ),
    (
        formats.CHAT,
        [
            {"choices": [{"index": 0, "message": {"content": "Hel"}, "stop_reason": None}]},
            {"choices": [{"index": 0, "message": {"content": "lo"}, "stop_reason": "stop"}]},
        ],
    ),
    (formats.COMPLETION, [{"generation": "Hel"}, {"generation": "lo", "stop_reason": "stop"}]),
    (
        formats.COMPLETION,
        [{"text": "Hel"}, {"text": "lo"}, {"is_finished": True, "text": "Hello", "finish_reason": "stop"}],
    ),
]


@pytest.mark.parametrize(("form", "answer"), ANSWERS)
def test_an_answer_is_read_in_its_form(form: Endpoint, answer: dict[str, Any]) -> None:
    assert form.output(answer) == {names.OUTPUT_MESSAGES: HELLO}
    assert form.response(answer)[names.RESPONSE_FINISH_REASONS] == ["stop"]


@pytest.mark.parametrize(("form", "chunks"), STREAMS)
def test_chunks_become_such_an_answer(form: Endpoint, chunks: list[dict[str, Any]]) -> None:
    assert form.accumulator is not None
    joined = form.accumulator()
    carried = [joined.add(chunk) for chunk in chunks]
    assert sum(carried) == 2
    assert form.output(joined.response()) == {names.OUTPUT_MESSAGES: HELLO}
    assert form.response(joined.response())[names.RESPONSE_FINISH_REASONS] == ["stop"]


def test_a_stream_without_a_chunk_has_no_answer() -> None:
    for form in (formats.MESSAGES, formats.CHAT, formats.GENERATE_CONTENT, formats.RESPONSES):
        assert form.accumulator is not None
        assert form.accumulator().response() is None


@pytest.mark.parametrize(
    "body",
    [
        {"max_tokens": 9, "top_p": 0.5, "stop": ["X"]},
        {"max_completion_tokens": 9, "top_p": 0.5, "stop_sequences": ["X"]},
        {"textGenerationConfig": {"maxTokenCount": 9, "topP": 0.5, "stopSequences": ["X"]}},
        {"max_gen_len": 9, "p": 0.5, "stop": "X"},
    ],
)
def test_parameters_are_known_by_all_their_names(body: dict[str, Any]) -> None:
    assert formats.CHAT.request(body) == {
        names.REQUEST_MAX_TOKENS: 9,
        names.REQUEST_TOP_P: 0.5,
        names.REQUEST_STOP_SEQUENCES: ["X"],
    }


def test_a_body_for_google_has_its_parameters_beside_the_contents() -> None:
    config = {"topK": 40.0, "maxOutputTokens": 9, "seed": 2**53 + 1, "stopSequences": ["X"], "temperature": None}
    body = {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "systemInstruction": {"parts": [{"text": "Be kind"}]},
        "generationConfig": {**config, "responseMimeType": "application/json", "candidateCount": "many"},
        "tools": [{"functionDeclarations": [{"name": "weather"}]}],
    }
    assert formats.GENERATE_CONTENT.request(body) == {
        names.REQUEST_TOP_K: 40,
        names.REQUEST_MAX_TOKENS: 9,
        names.REQUEST_SEED: 2**53 + 1,
        names.REQUEST_STOP_SEQUENCES: ["X"],
        names.OUTPUT_TYPE: "json",
    }
    told = formats.GENERATE_CONTENT.input(body)
    assert told[names.SYSTEM_INSTRUCTIONS] == [{"type": "text", "content": "Be kind"}]
    assert told[names.TOOL_DEFINITIONS] == [{"type": "function", "name": "weather"}]


def test_google_counts_thoughts_and_tools_apart() -> None:
    counts = {"promptTokenCount": 3, "toolUsePromptTokenCount": 2, "candidatesTokenCount": 5, "thoughtsTokenCount": 7}
    audio = {"promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 1}, {"modality": "TEXT", "tokenCount": 2}]}
    answer = {"responseId": "a1", "usageMetadata": {**counts, **audio}}
    assert formats.GENERATE_CONTENT.response(answer) == {
        names.RESPONSE_ID: "a1",
        names.USAGE_INPUT_TOKENS: 5,
        names.USAGE_OUTPUT_TOKENS: 12,
        names.USAGE_REASONING_OUTPUT_TOKENS: 7,
        names.USAGE_AUDIO_INPUT_TOKENS: 1,
    }


def test_an_agent_is_asked_and_answers_as_one_turn_of_it_without_its_tokens() -> None:
    agent = agent_endpoint(formats.GENERATE_CONTENT)
    assert (agent.operation, agent.is_model_call, agent.server) == (names.INVOKE_AGENT, False, None)
    assert agent.input is formats.GENERATE_CONTENT.input
    assert agent.output is formats.GENERATE_CONTENT.output
    assert agent.response({"usageMetadata": {"promptTokenCount": 3}}) == {}


@pytest.mark.parametrize("body", [{"prompt": "Hi"}, {"inputText": "Hi"}, {"message": "Hi"}, {"texts": ["Hi"]}])
def test_a_text_is_what_the_user_asks(body: dict[str, Any]) -> None:
    (asked,) = formats.COMPLETION.input(body)[names.INPUT_MESSAGES]
    assert asked == {"role": "user", "parts": [{"type": "text", "content": "Hi"}]}


def test_what_was_said_before_keeps_its_roles() -> None:
    body = {"preamble": "Be kind", "message": "Bye", "chat_history": [{"role": "CHATBOT", "message": "Hi"}, None]}
    told = formats.CHAT.input(body)
    assert told[names.SYSTEM_INSTRUCTIONS] == [{"type": "text", "content": "Be kind"}]
    assert [message["role"] for message in told[names.INPUT_MESSAGES]] == ["assistant", "user", "user"]


def test_tools_that_a_plain_answer_wants_called_are_told() -> None:
    answer = {"text": "", "tool_calls": [{"name": "weather", "parameters": {"city": "Rome"}}]}
    (said,) = formats.CHAT.output(answer)[names.OUTPUT_MESSAGES]
    assert said["parts"] == [{"type": "tool_call", "name": "weather", "arguments": {"city": "Rome"}}]


@pytest.mark.parametrize(
    "answer", [{"embedding": [0.1, 0.2]}, {"embeddings": [[0.1, 0.2]]}, {"embeddings": {"float": [[0.1, 0.2]]}}]
)
def test_of_vectors_the_size_is_told(answer: dict[str, Any]) -> None:
    assert formats.EMBEDDINGS.response(answer) == {names.EMBEDDINGS_DIMENSION_COUNT: 2}
    assert formats.EMBEDDINGS.output(answer) == {names.OUTPUT_MESSAGES: None}


@pytest.mark.parametrize("schema", [{}, {"type": "object"}])
@pytest.mark.parametrize("name", ["parameters", "input_schema"])
def test_a_tools_schema_is_known_by_both_its_names(name: str, schema: dict[str, Any]) -> None:
    body: dict[str, Any] = {"messages": [], "tools": [{"name": "weather", name: schema}]}
    (tool,) = formats.CHAT.input(body)[names.TOOL_DEFINITIONS]
    assert tool == {"type": "function", "name": "weather", "parameters": schema}
