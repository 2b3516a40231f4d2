"""The Vercel AI SDK's spans, as Langfuse's fields."""

from __future__ import annotations

import json
from typing import Any

import pytest
from reading import plain, reading

from langfuse_otel.conventions import gen_ai, vercel

read = reading(vercel.CONVENTION, gen_ai.CONVENTION, scope="ai", name="ai.generateText.doGenerate")
INNER = {"ai.operationId": "ai.generateText.doGenerate", "operation.name": "ai.generateText.doGenerate"}
NOTHING = {"input": 0, "output": 0, "total": 0}
SEARCH = {"type": "function", "name": "search", "parameters": {"type": "object"}}


def test_a_recorded_model_call() -> None:
    """From Langfuse's own test data: AI SDK 5 with OpenAI."""
    observation = read(
        {
            **INNER,
            "ai.model.provider": "openai.responses",
            "ai.model.id": "gpt-5",
            "ai.settings.maxRetries": 2,
            "ai.prompt.messages": '[{"role":"user","content":[{"type":"text","text":"What is the weather?"}]}]',
            "ai.prompt.tools": ['{"type":"function","name":"search","inputSchema":{"type":"object"}}'],
            "ai.prompt.toolChoice": '{"type":"auto"}',
            "gen_ai.system": "openai.responses",
            "gen_ai.request.model": "gpt-5",
            "ai.response.toolCalls": '[{"toolCallId":"c1","toolName":"search","input":"{\\"city\\":\\"Paris\\"}"}]',
            "ai.response.model": "gpt-5-2025-08-07",
            "ai.response.finishReason": "tool-calls",
            "ai.usage.promptTokens": 62,
            "ai.usage.completionTokens": 85,
            "gen_ai.response.model": "gpt-5-2025-08-07",
            "gen_ai.usage.input_tokens": 62,
            "gen_ai.usage.output_tokens": 85,
        }
    )

    assert (observation.type, observation.model) == ("generation", "gpt-5-2025-08-07")
    assert observation.usage == {"input": 62, "output": 85, "total": 147}
    assert observation.model_parameters == {"max_retries": 2, "tool_choice": {"type": "auto"}}
    assert plain(observation.input) == {
        "messages": [{"role": "user", "content": "What is the weather?"}],
        "tools": [SEARCH],
    }
    assert plain(observation.output) == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"type": "function", "id": "c1", "function": {"name": "search", "arguments": '{"city":"Paris"}'}}
        ],
    }
    assert observation.metadata == {
        **INNER,
        "provider": "openai.responses",
        "ai.model.id": "gpt-5",
        "ai.response.finishReason": "tool-calls",
    }


@pytest.mark.parametrize(
    ("operation", "type_"),
    [
        ("ai.generateText", "agent"),
        ("ai.streamText", "agent"),
        ("ai.generateObject", "chain"),
        ("ai.embedMany", "chain"),
        ("ai.streamText.doStream", "generation"),
        ("ai.generateObject.doGenerate", "generation"),
        ("ai.embed.doEmbed", "embedding"),
        ("ai.toolCall", "tool"),
    ],
)
def test_the_operation_is_the_type_with_or_without_a_function(operation: str, type_: str) -> None:
    assert read({"ai.operationId": operation, "ai.model.id": "m"}).type == type_
    assert read({"operation.name": f"{operation} my-function", "ai.model.id": "m"}).type == type_


def test_an_operation_of_another_library_is_no_type() -> None:
    observation = read({"operation.name": "checkout"})

    assert (observation.type, observation.metadata) == ("span", {"operation.name": "checkout"})


@pytest.mark.parametrize("operation", ["ai.generateText", "ai.streamText", "ai.generateObject", "ai.embed"])
def test_an_outer_span_is_not_billed_and_shows_its_sum_as_metadata(operation: str) -> None:
    observation = read({"ai.operationId": operation, "ai.model.id": "m", "ai.usage.inputTokens": 9})

    assert observation.usage == NOTHING
    assert observation.metadata["ai.usage.inputTokens"] == 9


@pytest.mark.parametrize(
    ("attributes", "usage"),
    [
        ({"ai.usage.promptTokens": 5, "ai.usage.completionTokens": 2}, {"input": 5, "output": 2, "total": 7}),
        (
            {
                "ai.usage.inputTokens": 10,
                "ai.usage.cachedInputTokens": 4,
                "ai.usage.outputTokens": 6,
                "ai.usage.reasoningTokens": 5,
            },
            {"input": 6, "input_cached_tokens": 4, "output": 1, "output_reasoning_tokens": 5, "total": 16},
        ),
        (
            {
                "ai.usage.inputTokens": 10,
                "ai.usage.inputTokenDetails.cacheReadTokens": 3,
                "ai.usage.inputTokenDetails.cacheWriteTokens": 2,
            },
            {"input": 5, "input_cached_tokens": 3, "input_cache_creation": 2, "total": 10},
        ),
        ({"ai.usage.tokens": 8}, {"input": 8, "total": 8}),
        (
            {"gen_ai.usage.input_tokens": 10, "ai.usage.cachedInputTokens": "4"},
            {"input": 6, "input_cached_tokens": 4, "total": 10},
        ),
    ],
)
def test_every_spelling_of_the_usage(attributes: dict[str, Any], usage: dict[str, int]) -> None:
    observation = read({**INNER, **attributes})

    assert observation.usage == usage
    assert observation.metadata == INNER


def test_counts_that_contradict_each_other_are_both_visible() -> None:
    observation = read({**INNER, "gen_ai.usage.input_tokens": 10, "ai.usage.inputTokens": 11})

    assert observation.usage == {"input": 10, "total": 10}
    assert observation.metadata["ai.usage.inputTokens"] == 11


def test_a_count_that_is_none_stays_visible() -> None:
    observation = read({**INNER, "ai.usage.inputTokens": "NaN", "gen_ai.usage.output_tokens": "x"})

    assert observation.usage is None
    assert observation.metadata == {**INNER, "ai.usage.inputTokens": "NaN", "gen_ai.usage.output_tokens": "x"}


@pytest.mark.parametrize(
    ("provider", "usage"),
    [
        (
            {"openai": {"cachedPromptTokens": 4, "reasoningTokens": 2}},
            {"input": 6, "input_cached_tokens": 4, "output": 3, "output_reasoning_tokens": 2, "total": 15},
        ),
        (
            {"bedrock": {"usage": {"cacheReadInputTokens": 4, "cacheWriteInputTokens": 1}}},
            {"input": 5, "input_cached_tokens": 4, "input_cache_creation": 1, "output": 5, "total": 15},
        ),
    ],
)
def test_the_providers_metadata_have_the_details(provider: dict[str, Any], usage: dict[str, int]) -> None:
    said = json.dumps(provider)
    observation = read(
        {
            **INNER,
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 5,
            "ai.response.providerMetadata": said,
        }
    )

    assert observation.usage == usage
    assert observation.metadata["ai.response.providerMetadata"] == said


def test_anthropics_own_count_excludes_what_was_cached() -> None:
    anthropic = {
        "input_tokens": 7,
        "cache_creation_input_tokens": 2089,
        "cache_read_input_tokens": 16399,
        "cache_creation": {"ephemeral_5m_input_tokens": 2000, "ephemeral_1h_input_tokens": 89},
    }
    observation = read(
        {
            **INNER,
            "gen_ai.usage.input_tokens": 7,
            "gen_ai.usage.output_tokens": 445,
            "ai.response.providerMetadata": json.dumps({"anthropic": {"usage": anthropic}}),
        }
    )

    assert observation.usage == {
        "input": 7,
        "input_cached_tokens": 16399,
        "input_cache_creation": 0,
        "input_cache_creation_5m": 2000,
        "input_cache_creation_1h": 89,
        "output": 445,
        "total": 7 + 2089 + 16399 + 445,
    }


def test_a_tool_has_its_name_arguments_and_result() -> None:
    observation = read(
        {
            "ai.operationId": "ai.toolCall",
            "ai.toolCall.name": "search",
            "ai.toolCall.args": '{"city":"Paris"}',
            "ai.toolCall.result": '"rain"',
        },
        name="ai.toolCall",
    )

    assert (observation.type, observation.name) == ("tool", "search")
    assert (observation.input, observation.output) == ('{"city":"Paris"}', "rain")


def test_a_function_is_in_the_name() -> None:
    observation = read({**INNER, "ai.telemetry.functionId": "summary"})

    assert observation.name == "summary:ai.generateText.doGenerate"
    assert observation.metadata["ai.telemetry.functionId"] == "summary"


def test_an_embedding_has_its_values_without_quotes() -> None:
    observation = read(
        {"ai.operationId": "ai.embedMany.doEmbed", "ai.values": ['"a"', '"b"'], "ai.embeddings": ["[1]"]}
    )

    assert (observation.input, observation.output) == (["a", "b"], [[1]])
    assert read({"ai.operationId": "ai.embed.doEmbed", "ai.value": '"a"'}).input == "a"


@pytest.mark.parametrize("key", ["ai.response.msToFirstChunk", "ai.stream.msToFirstChunk"])
def test_milliseconds_to_the_first_chunk_are_a_moment(key: str) -> None:
    observation = read({**INNER, key: 250.5})

    assert observation.completion_start_ns == observation.start_ns + 250_500_000
    assert observation.metadata == INNER


@pytest.mark.parametrize("wait", [-1, float("nan"), 1e300, "soon"])
def test_a_time_to_the_first_chunk_that_cannot_be_stays_visible(wait: object) -> None:
    observation = read({**INNER, "ai.response.msToFirstChunk": wait})

    assert observation.completion_start_ns is None
    assert "ai.response.msToFirstChunk" in observation.metadata


def test_settings_are_parameters_by_genais_names() -> None:
    observation = read(
        {
            **INNER,
            "ai.settings.maxOutputTokens": 64,
            "ai.settings.topP": 0.5,
            "ai.settings.temperature": 0.1,
            "gen_ai.request.max_tokens": 64,
            "gen_ai.request.temperature": 0.2,
        }
    )

    assert observation.model_parameters == {"max_tokens": 64, "top_p": 0.5, "temperature": 0.2}
    assert observation.metadata == {**INNER, "ai.settings.temperature": 0.1}


def test_telemetry_metadata_are_the_traces_fields_and_metadata() -> None:
    observation = read(
        {
            **INNER,
            "ai.telemetry.metadata.userId": "u",
            "ai.telemetry.metadata.sessionId": "s",
            "ai.telemetry.metadata.tags": ["a", "b"],
            "ai.telemetry.metadata.langfusePrompt": '{"name":"p","version":3,"prompt":"…"}',
            "ai.telemetry.metadata.plan": "gold",
        }
    )

    assert (observation.user_id, observation.session_id, observation.tags) == ("u", "s", ("a", "b"))
    assert (observation.prompt_name, observation.prompt_version) == ("p", 3)
    assert observation.metadata == {**INNER, "plan": "gold"}


@pytest.mark.parametrize("link", ['{"name":"p"}', '{"name":"p","version":0}', '{"version":1}', "p", "[1]"])
def test_a_prompt_without_a_name_or_version_is_no_link(link: str) -> None:
    observation = read({**INNER, "ai.telemetry.metadata.langfusePrompt": link})

    assert (observation.prompt_name, observation.prompt_version) == (None, None)
    assert observation.metadata["ai.telemetry.metadata.langfusePrompt"] == link


def test_metadata_by_a_key_that_is_taken_keep_the_attributes_key() -> None:
    observation = read({**INNER, "ai.model.provider": "openai", "ai.telemetry.metadata.provider": "mine"})

    assert observation.metadata == {**INNER, "provider": "openai", "ai.telemetry.metadata.provider": "mine"}


def test_langfuses_own_attributes_win_and_nothing_is_lost() -> None:
    observation = read({**INNER, "langfuse.observation.output": "mine", "ai.response.text": "theirs"})

    assert observation.output == "mine"
    assert observation.metadata["ai.response.text"] == "theirs"


@pytest.mark.parametrize(
    ("vector", "shown"), [("[0.5]", [0.5]), ("cut off [0", "cut off [0"), (["[0.5]", "x"], [[0.5], "x"])]
)
def test_vectors_are_numbers_where_they_can_be_read(vector: object, shown: object) -> None:
    assert read({"ai.operationId": "ai.embed", "ai.embedding": vector}).output == shown
