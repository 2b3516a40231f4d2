"""The GenAI semantic conventions, as Langfuse's fields."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from langfuse_otel.observation import Observation

Observe = Callable[..., Observation]


def parts(role: str, *texts: str) -> dict[str, object]:
    return {"role": role, "parts": [{"type": "text", "content": text} for text in texts]}


def plain(value: object) -> object:
    """As JSON shows it."""
    return msgspec.json.decode(msgspec.json.encode(value))


def test_the_example_span_comes_out_as_the_real_server_makes_it(observe: Observe) -> None:
    observation = observe(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
            "gen_ai.request.temperature": 0.2,
            "gen_ai.request.max_tokens": 64,
            "gen_ai.request.stop_sequences": ["x"],
            "gen_ai.usage.input_tokens": 12,
            "gen_ai.usage.output_tokens": 7,
            "gen_ai.usage.cache_read.input_tokens": 4,
            "gen_ai.conversation.id": "conv-1",
            "gen_ai.system_instructions": '[{"type": "text", "content": "be nice"}]',
            "gen_ai.input.messages": json.dumps([parts("user", "hi")]),
            "gen_ai.output.messages": json.dumps([{**parts("assistant", "hello"), "finish_reason": "stop"}]),
            "user.id": "u-1",
        },
        name="chat gpt-4o-mini",
        resource={"deployment.environment.name": "Staging", "service.version": "9.9"},
    )

    assert (observation.type, observation.name) == ("generation", "chat gpt-4o-mini")
    assert observation.model == "gpt-4o-mini-2024-07-18"
    assert observation.model_parameters == {"temperature": 0.2, "max_tokens": 64, "stop_sequences": ["x"]}
    assert observation.usage == {"input": 8, "output": 7, "input_cached_tokens": 4, "total": 19}
    assert (observation.session_id, observation.user_id) == ("conv-1", "u-1")
    assert (observation.environment, observation.version) == ("staging", "9.9")
    assert plain(observation.input) == [{"role": "system", "content": "be nice"}, {"role": "user", "content": "hi"}]
    assert plain(observation.output) == {"role": "assistant", "content": "hello", "finish_reason": "stop"}


@pytest.mark.parametrize(
    ("operation", "type_"),
    [
        ("chat", "generation"),
        ("generate_content", "generation"),
        ("text_completion", "generation"),
        ("embeddings", "embedding"),
        ("invoke_agent", "agent"),
        ("create_agent", "agent"),
        ("execute_tool", "tool"),
        ("retrieval", "retriever"),
        ("plan", "chain"),
        ("invoke_workflow", "chain"),
        ("search_memory", "span"),
    ],
)
def test_the_operation_is_the_type_even_with_a_model(observe: Observe, operation: str, type_: str) -> None:
    observation = observe({"gen_ai.operation.name": operation, "gen_ai.request.model": "m"})

    assert observation.type == type_
    assert observation.metadata["gen_ai.operation.name"] == operation


def test_without_a_known_operation_a_tools_name_makes_a_tool(observe: Observe) -> None:
    attributes = {"gen_ai.operation.name": "custom", "gen_ai.tool.name": "weather", "gen_ai.request.model": "m"}

    assert observe(attributes).type == "tool"


def test_without_an_operation_a_model_makes_a_generation_and_nothing_makes_a_span(observe: Observe) -> None:
    assert observe({"gen_ai.response.model": "m"}).type == "generation"
    assert observe({"http.route": "/"}).type == "span"


def test_a_tools_name_does_not_replace_the_spans_name(observe: Observe) -> None:
    observation = observe({"gen_ai.tool.name": "weather"}, name="execute_tool weather")

    assert observation.name == "execute_tool weather"
    assert observation.metadata["gen_ai.tool.name"] == "weather"


def test_a_tool_has_its_arguments_as_input_and_its_result_as_output(observe: Observe) -> None:
    observation = observe(
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.call.arguments": '{"city": "Paris"}',
            "gen_ai.tool.call.result": "rain",
        }
    )

    assert (observation.input, observation.output) == ('{"city": "Paris"}', "rain")


def test_a_retrieval_has_its_query_as_input_and_its_documents_as_output(observe: Observe) -> None:
    documents = [{"id": "d1", "score": 0.5}]
    observation = observe(
        {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.retrieval.query.text": "who?",
            "gen_ai.retrieval.documents": documents,
        }
    )

    assert (observation.input, observation.output) == ("who?", documents)


def test_an_agent_keeps_model_usage_and_cost(observe: Observe) -> None:
    observation = observe(
        {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 5,
            "gen_ai.usage.cost": "0.5",
        }
    )

    assert (observation.type, observation.model) == ("agent", "gpt-4o")
    assert observation.usage == {"input": 10, "output": 5, "total": 15}
    assert observation.cost == {"total": 0.5}


def test_an_agent_without_usage_says_zero_because_the_server_would_count_its_words(observe: Observe) -> None:
    observation = observe({"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-4o"})

    assert observation.usage == {"input": 0, "output": 0, "total": 0}


def test_fetching_a_stored_response_is_not_billed_again(observe: Observe) -> None:
    observation = observe({"gen_ai.operation.name": "fetch_response", "gen_ai.response.model": "gpt-4o"})

    assert observation.usage == {"input": 0, "output": 0, "total": 0}


def test_a_generation_without_usage_has_none(observe: Observe) -> None:
    assert observe({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}).usage is None


@pytest.mark.parametrize("key", ["gen_ai.provider.name", "gen_ai.system"])
def test_both_spellings_of_the_provider_are_one_metadata_key(observe: Observe, key: str) -> None:
    assert observe({key: "openai"}).metadata == {"provider": "openai"}


def test_two_providers_that_differ_are_both_visible(observe: Observe) -> None:
    assert observe({"gen_ai.system": "az.ai.openai", "gen_ai.provider.name": "azure.ai.openai"}).metadata == {
        "provider": "azure.ai.openai",
        "gen_ai.system": "az.ai.openai",
    }


def test_what_langfuse_has_no_field_for_stays_under_its_own_key(observe: Observe) -> None:
    attributes = {
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.agent.name": "planner",
        "server.port": 443,
    }

    assert observe(attributes).metadata == attributes


def test_every_request_attribute_but_the_model_is_a_parameter(observe: Observe) -> None:
    observation = observe(
        {
            "gen_ai.request.model": "m",
            "gen_ai.request.stream": True,
            "gen_ai.request.reasoning.level": "low",
            "gen_ai.request.top_p": float("nan"),
            "gen_ai.openai.request.seed": 7,
        }
    )

    assert observation.model_parameters == {"stream": True, "reasoning.level": "low", "top_p": "NaN", "seed": 7}


@pytest.mark.parametrize(
    "key",
    [
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.response.time_to_first_token",
        "gen_ai.server.time_to_first_token",
    ],
)
def test_seconds_to_the_first_chunk_are_a_moment(observe: Observe, key: str) -> None:
    observation = observe({key: 0.25})

    assert observation.completion_start_ns == observation.start_ns + 250_000_000
    assert observation.metadata == {}


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), "soon"])
def test_a_time_to_the_first_chunk_that_cannot_be_stays_visible(observe: Observe, seconds: object) -> None:
    observation = observe({"gen_ai.response.time_to_first_chunk": seconds})

    assert observation.completion_start_ns is None
    assert "gen_ai.response.time_to_first_chunk" in observation.metadata


def test_a_prompt_with_a_numeric_version_is_a_link(observe: Observe) -> None:
    observation = observe({"gen_ai.prompt.name": "p", "gen_ai.prompt.version": "12"})

    assert (observation.prompt_name, observation.prompt_version) == ("p", 12)
    assert observation.metadata == {}


def test_a_prompt_with_a_label_for_a_version_is_metadata(observe: Observe) -> None:
    attributes = {"gen_ai.prompt.name": "p", "gen_ai.prompt.version": "production"}

    assert observe(attributes).metadata == attributes


def test_system_instructions_alone_are_not_lost(observe: Observe) -> None:
    observation = observe({"gen_ai.system_instructions": '[{"type": "text", "content": "be nice"}]'})

    assert plain(observation.input) == [{"role": "system", "content": "be nice"}]


def test_system_instructions_that_the_messages_repeat_come_once(observe: Observe) -> None:
    observation = observe(
        {
            "gen_ai.system_instructions": "be nice",
            "gen_ai.input.messages": json.dumps([parts("system", "be nice"), parts("user", "hi")]),
        }
    )

    assert plain(observation.input) == [{"role": "system", "content": "be nice"}, {"role": "user", "content": "hi"}]


def test_tool_definitions_make_the_input_messages_and_tools(observe: Observe) -> None:
    tools = [{"type": "function", "name": "weather"}]
    observation = observe(
        {"gen_ai.input.messages": json.dumps([parts("user", "hi")]), "gen_ai.tool.definitions": json.dumps(tools)}
    )

    assert plain(observation.input) == {"messages": [{"role": "user", "content": "hi"}], "tools": tools}


@pytest.mark.parametrize(("other", "found"), [({}, None), ({"gen_ai.tool.call.arguments": "{}"}, "{}")])
def test_tool_definitions_without_messages_are_no_input(observe: Observe, other: dict[str, str], found: Any) -> None:
    tools = '[{"type": "function", "name": "weather"}]'

    observation = observe({"gen_ai.tool.definitions": tools, **other})
    assert (observation.input, observation.metadata["gen_ai.tool.definitions"]) == (found, tools)


def test_a_stray_input_attribute_hides_no_messages(observe: Observe) -> None:
    observation = observe({"input": "stray", "gen_ai.output.messages": json.dumps([parts("assistant", "yes")])})

    assert plain(observation.output) == {"role": "assistant", "content": "yes"}
    assert observation.metadata == {"input": "stray"}


def test_input_and_output_may_come_from_different_conventions(observe: Observe) -> None:
    observation = observe(
        {"langfuse.observation.input": "mine", "gen_ai.output.messages": json.dumps([parts("assistant", "yes")])}
    )

    assert observation.input == "mine"
    assert plain(observation.output) == {"role": "assistant", "content": "yes"}


def test_messages_that_were_cut_off_are_shown_as_they_are(observe: Observe) -> None:
    observation = observe({"gen_ai.input.messages": '[{"role": "us', "gen_ai.system_instructions": "be nice"})

    assert observation.input == '[{"role": "us'
    assert observation.metadata == {"gen_ai.system_instructions": "be nice"}


def test_several_choices_are_a_list(observe: Observe) -> None:
    messages = json.dumps([parts("assistant", "a"), parts("assistant", "b")])

    assert len(observe({"gen_ai.output.messages": messages}).output) == 2
