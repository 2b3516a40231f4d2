"""OpenInference, as Langfuse's fields."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import Event

from support.openinference_spans import read

START_NS, END_NS = 1_000, 2_000


# What it is.


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        ("LLM", "generation"),
        ("DECISION", "generation"),
        ("EMBEDDING", "embedding"),
        ("CHAIN", "chain"),
        ("PROMPT", "chain"),
        ("AGENT", "agent"),
        ("TOOL", "tool"),
        ("RETRIEVER", "retriever"),
        ("RERANKER", "retriever"),
        ("GUARDRAIL", "guardrail"),
        ("EVALUATOR", "evaluator"),
        ("llm", "generation"),
    ],
)
def test_the_span_kind_is_the_type_even_with_a_model(kind: str, type_: str) -> None:
    observation = read({"openinference.span.kind": kind, "llm.model_name": "m"})

    assert observation.type == type_
    assert observation.metadata["openinference.span.kind"] == kind


@pytest.mark.parametrize("kind", ["UNKNOWN", "", 3, ["LLM"]])
def test_an_unknown_kind_leaves_the_type_to_what_else_the_span_says(kind: object) -> None:
    assert read({"openinference.span.kind": kind, "gen_ai.operation.name": "chat"}).type == "generation"
    observation = read({"openinference.span.kind": kind})
    assert (observation.type, observation.metadata) == ("span", {"openinference.span.kind": kind})


def test_the_model_that_answered_goes_before_the_one_that_was_asked_for() -> None:
    observation = read(
        {"llm.request.model_name": "gpt-4o", "llm.model_name": "gpt-4o-1", "llm.response.model_name": "gpt-4o-2"}
    )

    assert observation.model == "gpt-4o-2"
    assert observation.metadata == {"llm.request.model_name": "gpt-4o", "llm.model_name": "gpt-4o-1"}


@pytest.mark.parametrize("key", ["embedding.model_name", "reranker.model_name", "decision.model_name"])
def test_other_models_are_models_too(key: str) -> None:
    assert read({key: "m"}).model == "m"


def test_the_provider_has_the_key_that_it_has_in_other_conventions() -> None:
    assert read({"llm.provider": "openai", "llm.system": "openai"}).metadata == {"provider": "openai"}
    assert read({"llm.provider": "azure", "llm.system": "openai"}).metadata == {
        "provider": "azure",
        "llm.system": "openai",
    }


# What was asked for.


def test_parameters_are_those_given_without_the_model() -> None:
    given_ = '{"model": "m", "temperature": 0.1, "max_tokens": null, "stop": ["x"]}'
    observation = read({"llm.model_name": "m", "llm.invocation_parameters": given_})

    assert observation.model_parameters == {"temperature": 0.1, "stop": ["x"]}
    assert observation.metadata == {}


def test_a_model_that_only_the_parameters_name_is_the_model() -> None:
    observation = read({"embedding.invocation_parameters": '{"model": "m", "encoding_format": "float"}'})

    assert (observation.model, observation.model_parameters) == ("m", {"encoding_format": "float"})


def test_a_model_asked_for_that_is_not_the_one_that_answered_stays_visible() -> None:
    observation = read({"llm.model_name": "m-2024", "llm.invocation_parameters": '{"model": "m"}'})

    assert (observation.model, observation.metadata) == ("m-2024", {"llm.request.model_name": "m"})
    request_model = {"llm.model_name": "m-2024", "llm.request.model_name": "m"}
    assert read({**request_model, "llm.invocation_parameters": '{"model": "m"}'}).metadata == observation.metadata
    assert read({**request_model, "llm.invocation_parameters": '{"model": "n"}'}).metadata == {
        "llm.request.model_name": "n",
        "attributes.llm.request.model_name": "m",
    }


def test_parameters_may_be_attributes_of_their_own() -> None:
    observation = read({"llm.invocation_parameters.top_p": 0.5, "reranker.top_k": 3})

    assert observation.model_parameters == {"top_p": 0.5, "top_k": 3}


def test_parameters_that_contradict_each_other_are_both_visible() -> None:
    observation = read({"llm.invocation_parameters": '{"top_p": 1}', "llm.invocation_parameters.top_p": 0.5})

    assert observation.model_parameters == {"top_p": 1}
    assert observation.metadata == {"llm.invocation_parameters.top_p": 0.5}


def test_parameters_that_are_no_json_object_stay_visible() -> None:
    attributes = {"llm.invocation_parameters": "{'temperature': 0.1}", "reranker.top_k": "many"}

    assert read(attributes).metadata == attributes


# The rest.


def test_the_first_token_is_the_moment_of_its_event() -> None:
    events = tuple(Event("First Token Stream Event", timestamp=START_NS + ns) for ns in (7, 9))

    assert read({"openinference.span.kind": "LLM"}, events=events).completion_start_ns == START_NS + 7


@pytest.mark.parametrize(("name", "timestamp"), [("other", START_NS + 7), ("First Token Stream Event", END_NS + 7)])
def test_no_other_event_and_no_impossible_moment_is_the_first_token(name: str, timestamp: int) -> None:
    observation = read({"openinference.span.kind": "LLM"}, events=(Event(name, timestamp=timestamp),))

    assert observation.completion_start_ns is None


def test_a_langfuse_prompt_with_name_and_version_is_a_link() -> None:
    link = {"prompt.vendor": "langfuse", "prompt.id": "p", "llm.prompt_template.version": "3"}
    template = {"llm.prompt_template.template": "Hi {name}", "llm.prompt_template.variables": '{"name": "Ann"}'}
    observation = read({**link, **template})

    assert (observation.prompt_name, observation.prompt_version) == ("p", 3)
    assert observation.metadata == {"prompt.vendor": "langfuse", **template}


@pytest.mark.parametrize(
    "attributes",
    [
        {"prompt.vendor": "langsmith", "prompt.id": "p", "llm.prompt_template.version": "3"},
        {"prompt.vendor": "langfuse", "prompt.id": "p", "llm.prompt_template.version": "v1.0"},
        {"prompt.vendor": "langfuse", "prompt.id": "p"},
    ],
)
def test_any_other_prompt_is_metadata(attributes: dict[str, str]) -> None:
    observation = read(attributes)

    assert observation.prompt_name is None
    assert observation.metadata == attributes


def test_session_user_tags_and_metadata_have_their_fields() -> None:
    observation = read(
        {"session.id": "s", "user.id": "u", "tag.tags": ("a", "b"), "metadata": '{"team": "x", "n": {"m": 1}}'}
    )

    assert (observation.session_id, observation.user_id, observation.tags) == ("s", "u", ("a", "b"))
    assert observation.metadata == {"team": "x", "n": {"m": 1}}


def test_metadata_that_is_no_object_or_contradicts_stays_whole() -> None:
    assert read({"metadata": "{'team': 'x'}"}).metadata == {"metadata": "{'team': 'x'}"}
    assert read({"langfuse.observation.metadata.team": "y", "metadata": '{"team": "x"}'}).metadata == {
        "team": "y",
        "metadata": '{"team": "x"}',
    }


def test_what_langfuse_has_no_field_for_stays_under_its_own_key() -> None:
    attributes = {
        "tool.name": "weather",
        "tool.parameters": '{"city": "str"}',
        "agent.name": "planner",
        "graph.node.id": "n1",
        "llm.finish_reason": "stop",
        "llm.function_call": "{}",
        "annotations.0.annotation.name": "good",
        "trace.evaluations.0.evaluation.score": 0.5,
        "input.images.0.image.url": "https://x/i.png",
    }

    assert read(attributes).metadata == attributes


# Whatever comes.

NAMES = [
    *("openinference.span.kind", "input.value", "output.value", "metadata", "tag.tags", "llm.model_name"),
    *("llm.provider", "llm.system", "llm.invocation_parameters", "llm.invocation_parameters.top_p", "llm.prompts"),
    *("llm.request.model_name", "reranker.query", "reranker.top_k", "prompt.vendor", "prompt.id"),
    *("llm.prompt_template.version", "llm.token_count.prompt", "llm.token_count.prompt_details.audio"),
    *("llm.cost.prompt", "llm.cost.total", "llm.cost.prompt_details.cache_read", "decision.token_count.input"),
    "embedding.invocation_parameters",
]
LISTS = [
    *("llm.input_messages", "llm.output_messages", "llm.prompts", "llm.choices", "llm.tools"),
    *("embedding.embeddings", "retrieval.documents", "reranker.input_documents", "reranker.output_documents"),
]
ITEMS = [
    *("message", "message.role", "message.content", "message.name", "message.tool_call_id", "message.odd"),
    *("message.contents.0.message_content.type", "message.contents.0.message_content.text"),
    *("message.contents.0.message_content.image.image.url", "message.contents.0.message_content.signature"),
    *("message.contents.0.tool_call.function.name", "message.contents.x", "message.contents"),
    *("message.tool_calls.0.tool_call.id", "message.tool_calls.0.tool_call.function.name", "message.tool_calls"),
    *("message.tool_calls.0.tool_call.function.arguments", "message.function_call_name"),
    *("message.function_call_arguments_json", "prompt.text", "completion.text", "tool.json_schema", "tool.name"),
    *("embedding.text", "embedding.vector", "document.id", "document.metadata", "document", ""),
]
KEYS = st.sampled_from(NAMES) | st.builds(
    "{}.{}.{}".format, st.sampled_from(LISTS), st.sampled_from(("0", "1", "7", "x", "-1")), st.sampled_from(ITEMS)
)
WORDS = st.sampled_from(["LLM", "text", "image", "reasoning", "tool_use", "langfuse", "{}", "[]", '{"model": "m"}', ""])
SCALARS = WORDS | st.text(max_size=5) | st.integers() | st.floats() | st.booleans() | st.binary(max_size=3) | st.none()
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=3), SCALARS, max_size=2)


@given(st.dictionaries(KEYS, VALUES, max_size=12))
@settings(max_examples=150)
def test_nothing_that_a_span_can_carry_is_refused(attributes: dict[str, Any]) -> None:
    observation = read(attributes)

    assert "langfuse_otel.error" not in observation.metadata
    for field in ("input", "output", "metadata", "model_parameters", "usage", "cost"):
        msgspec.json.encode(getattr(observation, field))


KINDS = st.sampled_from(["text", "image", "audio", "reasoning", "tool_use", "odd"])


@given(st.sets(KEYS, max_size=12), st.dictionaries(st.sampled_from(LISTS), KINDS, max_size=2))
@settings(max_examples=150)
def test_nothing_that_a_span_carries_disappears(keys: set[str], kinds: dict[str, str]) -> None:
    attributes: dict[str, Any] = {key: f"said by {number}." for number, key in enumerate(sorted(keys))}
    attributes |= {f"{prefix}.0.message.contents.0.message_content.type": kind for prefix, kind in kinds.items()}
    observation = read(attributes)

    fields = {name: getattr(observation, name) for name in observation.__struct_fields__ if name != "resource"}
    shown = json.dumps(msgspec.to_builtins({name: value for name, value in fields.items() if name != "scope"}))
    # That a part is text shows in that it is a text.
    assert [value for value in attributes.values() if value not in shown and value != "text"] == []
