"""OpenLLMetry's own attributes and events, as Langfuse's fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from opentelemetry.trace import Span
from reading import make_span, plain, registry_of

from langfuse_otel.conventions import gen_ai, gen_ai_events, gen_ai_prompt, traceloop
from langfuse_otel.observation import Observation

_REGISTRY = registry_of(
    gen_ai.CONVENTION,
    gen_ai_events.CONVENTION,
    gen_ai_prompt.CONVENTION,
    traceloop.CONVENTION,
)


def observe(attributes: Mapping[str, Any] | None = None, **options: Any) -> Observation:
    return _REGISTRY.read(make_span(attributes, **options))


def test_a_chat_span_of_version_0_40_comes_out_whole() -> None:
    observation = observe(
        {
            "llm.request.type": "chat",
            "gen_ai.system": "OpenAI",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
            "gen_ai.request.temperature": 0.2,
            "llm.frequency_penalty": 0.5,
            "llm.user": "u-1",
            "llm.headers": "None",
            "llm.is_streaming": False,
            "gen_ai.openai.api_base": "https://api.openai.com/v1/",
            "gen_ai.openai.system_fingerprint": "fp_1",
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": "hi",
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.content": "hello",
            "gen_ai.completion.0.finish_reason": "stop",
            "gen_ai.usage.prompt_tokens": 12,
            "gen_ai.usage.completion_tokens": 7,
            "gen_ai.usage.cache_read_input_tokens": 4,
            "llm.usage.total_tokens": 19,
        },
        scope="opentelemetry.instrumentation.openai.v1",
    )

    assert (observation.type, observation.model) == ("generation", "gpt-4o-mini-2024-07-18")
    assert observation.model_parameters == {"temperature": 0.2, "frequency_penalty": 0.5, "user": "u-1"}
    assert observation.usage == {"input": 8, "output": 7, "input_cached_tokens": 4, "total": 19}
    assert plain(observation.input) == [{"role": "user", "content": "hi"}]
    assert plain(observation.output) == {"role": "assistant", "content": "hello", "finish_reason": "stop"}
    assert observation.metadata == {
        "provider": "OpenAI",
        "gen_ai.request.model": "gpt-4o-mini",
        "llm.request.type": "chat",
        "llm.is_streaming": False,
        "gen_ai.openai.api_base": "https://api.openai.com/v1/",
        "gen_ai.openai.system_fingerprint": "fp_1",
    }


@pytest.mark.parametrize(
    ("key", "kind", "type_"),
    [
        ("llm.request.type", "chat", "generation"),
        ("llm.request.type", "completion", "generation"),
        ("llm.request.type", "embedding", "embedding"),
        ("llm.request.type", "rerank", "retriever"),
        ("llm.request.type", "unknown", "span"),
        ("traceloop.span.kind", "workflow", "chain"),
        ("traceloop.span.kind", "task", "chain"),
        ("traceloop.span.kind", "agent", "agent"),
        ("traceloop.span.kind", "tool", "tool"),
        ("traceloop.span.kind", 5, "span"),
    ],
)
def test_the_kind_is_the_type_and_stays_readable(key: str, kind: object, type_: str) -> None:
    observation = observe({key: kind})

    assert observation.type == type_
    assert observation.metadata == {key: kind}


def test_an_operation_by_the_conventions_says_it_better() -> None:
    assert observe({"gen_ai.operation.name": "embeddings", "llm.request.type": "chat"}).type == "embedding"


def test_an_entity_has_its_input_output_and_its_workflow_is_the_trace() -> None:
    observation = observe(
        {
            "traceloop.span.kind": "task",
            "traceloop.workflow.name": "joke",
            "traceloop.entity.name": "tell",
            "traceloop.entity.path": "tell",
            "traceloop.entity.version": 2,
            "traceloop.entity.input": '{"args": ["a"], "kwargs": {}}',
            "traceloop.entity.output": '"ha"',
            "traceloop.correlation.id": "c",
        }
    )

    assert (observation.input, observation.output) == ('{"args": ["a"], "kwargs": {}}', '"ha"')
    assert observation.trace_name == "joke"
    assert observation.metadata == {
        "traceloop.span.kind": "task",
        "traceloop.entity.name": "tell",
        "traceloop.entity.path": "tell",
        "traceloop.entity.version": 2,
        "traceloop.correlation.id": "c",
    }


def test_messages_say_more_than_what_an_entity_got() -> None:
    observation = observe({"traceloop.entity.input": "raw", "gen_ai.prompt.0.content": "hi"})

    assert plain(observation.input) == [{"role": "user", "content": "hi"}]
    assert observation.metadata == {"traceloop.entity.input": "raw"}


def test_association_properties_are_user_session_and_metadata() -> None:
    observation = observe(
        {
            "traceloop.association.properties.user_id": "u-1",
            "traceloop.association.properties.session_id": 7,
            "traceloop.association.properties.customer_id": "c-1",
            "traceloop.association.properties.plan.tier": "gold",
        }
    )

    assert (observation.user_id, observation.session_id) == ("u-1", "7")
    assert observation.metadata == {"customer_id": "c-1", "plan.tier": "gold"}


def test_association_properties_replace_nothing_that_langfuse_says() -> None:
    observation = observe(
        {
            "user.id": "u-2",
            "traceloop.association.properties.user_id": "u-1",
            "langfuse.observation.metadata.customer_id": "c-2",
            "traceloop.association.properties.customer_id": "c-1",
        }
    )

    assert observation.user_id == "u-2"
    assert observation.metadata == {
        "customer_id": "c-2",
        "traceloop.association.properties.user_id": "u-1",
        "traceloop.association.properties.customer_id": "c-1",
    }


def test_a_prompts_key_and_version_are_the_link() -> None:
    observation = observe(
        {
            "traceloop.prompt.managed": "True",
            "traceloop.prompt.key": "greet",
            "traceloop.prompt.version": "3",
            "traceloop.prompt.version_name": "third",
            "traceloop.prompt.template_variables.name": "Bob",
        }
    )

    assert (observation.prompt_name, observation.prompt_version) == ("greet", 3)
    assert observation.metadata == {
        "traceloop.prompt.managed": "True",
        "traceloop.prompt.version_name": "third",
        "traceloop.prompt.template_variables.name": "Bob",
    }


@pytest.mark.parametrize("version", ["latest", 0, 70_000, True])
def test_a_version_that_is_no_number_of_one_makes_no_link(version: object) -> None:
    attributes = {"traceloop.prompt.key": "greet", "traceloop.prompt.version": version}

    observation = observe(attributes)

    assert observation.prompt_name is None
    assert observation.metadata == attributes


@pytest.mark.parametrize(
    ("key", "value", "name"),
    [
        ("llm.top_k", 40, "top_k"),
        ("llm.frequency_penalty", 0.5, "frequency_penalty"),
        ("llm.presence_penalty", 0.5, "presence_penalty"),
        ("llm.chat.stop_sequences", ("a", "b"), "stop_sequences"),
        ("llm.request.repetition_penalty", 1.1, "repetition_penalty"),
        ("llm.request.reasoning_effort", "low", "reasoning_effort"),
        ("llm.user", "u", "user"),
        ("gen_ai.user", "u", "user"),
        ("llm.is_streaming", True, "stream"),
        ("gen_ai.is_streaming", True, "stream"),
    ],
)
def test_parameters_by_their_old_names_join_the_others(key: str, value: object, name: str) -> None:
    shown = plain(value)

    assert observe({key: value}).model_parameters == {name: shown}
    joined = observe({key: value, "gen_ai.request.temperature": 0.2})
    assert joined.model_parameters == {"temperature": 0.2, name: shown}
    assert joined.metadata == {}


def test_a_parameter_that_is_said_in_two_ways_is_the_newer_one() -> None:
    observation = observe({"llm.top_k": 40, "gen_ai.request.top_k": 50})

    assert observation.model_parameters == {"top_k": 50}
    assert observation.metadata == {"llm.top_k": 40}


def test_parameters_by_langfuses_name_are_complete() -> None:
    observation = observe(
        {"langfuse.observation.model.parameters": '{"a": 1}', "llm.top_k": 40, "llm.is_streaming": True}
    )

    assert observation.model_parameters == {"a": 1}
    assert observation.metadata == {"llm.top_k": 40, "llm.is_streaming": True}


def test_secrets_in_headers_are_masked() -> None:
    headers = "{'Authorization': 'Bearer abcdefghijklmnop', 'X-Team': 'blue'}"

    shown = observe({"llm.headers": headers}).metadata["llm.headers"]

    assert "abcdefghijklmnop" not in shown
    assert "'X-Team': 'blue'" in shown


def test_reasoning_by_its_old_name_is_part_of_the_output() -> None:
    observation = observe(
        {
            "gen_ai.usage.prompt_tokens": 12,
            "gen_ai.usage.completion_tokens": 30,
            "llm.usage.reasoning_tokens": 20,
            "llm.usage.total_tokens": 42,
        }
    )

    assert observation.usage == {"input": 12, "output": 10, "output_reasoning_tokens": 20, "total": 42}
    assert observation.metadata == {}


def test_a_total_alone_is_the_usage() -> None:
    assert observe({"llm.usage.total_tokens": 5}).usage == {"total": 5}


@pytest.mark.parametrize(
    "attributes",
    [
        {"llm.usage.total_tokens": "many"},
        {"llm.usage.token_type": "input"},
        {"llm.top_k": ""},
        {"llm.headers": 5},
        {"llm.is_streaming": "yes"},
        {"traceloop.workflow.name": 5},
        {"traceloop.association.properties.user_id": True},
        {"llm.response.finish_reason": "stop", "llm.watsonx.decoding_method": "greedy"},
    ],
)
def test_what_is_of_another_type_or_has_no_field_stays_metadata(attributes: dict[str, Any]) -> None:
    observation = observe(attributes)

    assert observation.metadata == attributes
    assert observation.usage is None


def test_usage_that_langfuse_says_is_not_added_to() -> None:
    observation = observe({"langfuse.observation.usage_details": '{"input": 1}', "llm.usage.total_tokens": 5})

    assert observation.usage == {"input": 1, "total": 1}
    assert observation.metadata == {"llm.usage.total_tokens": 5}


def chunks(name: str, *attributes: Mapping[str, Any]) -> Callable[[Span], None]:
    def add(span: Span) -> None:
        for said in attributes:
            span.add_event(name, said)

    return add


@pytest.mark.parametrize("name", ["gen_ai.content.completion.chunk", "llm.content.completion.chunk"])
def test_the_first_chunk_is_the_completions_start_and_chunks_are_only_counted(name: str) -> None:
    span = make_span({"gen_ai.is_streaming": True}, during=chunks(name, {}, {}, {}))

    observation = _REGISTRY.read(span)

    assert observation.completion_start_ns == span.events[0].timestamp
    assert observation.metadata == {"completion_chunks": 3}


def test_a_chunk_that_says_something_stays_listed() -> None:
    during = chunks("gen_ai.content.completion.chunk", {}, {"text": "a"})

    observation = observe({"llm.request.type": "chat"}, during=during)

    assert observation.metadata["completion_chunks"] == 2
    assert [event["attributes"] for event in observation.metadata["otel.events"]] == [{"text": "a"}]


def test_a_chunk_outside_of_the_span_tells_no_time() -> None:
    def early(span: Span) -> None:
        span.add_event("gen_ai.content.completion.chunk", timestamp=1)

    assert observe({"llm.request.type": "chat"}, during=early).completion_start_ns is None


def test_a_time_that_the_conventions_tell_wins_over_the_first_chunk() -> None:
    during = chunks("gen_ai.content.completion.chunk", {})
    span = make_span({"gen_ai.is_streaming": True, "gen_ai.response.time_to_first_chunk": 2}, during=during)

    assert _REGISTRY.read(span).completion_start_ns == (span.start_time or 0) + 2_000_000_000
