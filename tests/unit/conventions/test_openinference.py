"""OpenInference, as Langfuse's fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langfuse_otel.conventions import gen_ai, langfuse, openinference, otel
from langfuse_otel.conventions.registry import Registry
from langfuse_otel.observation import Observation

REGISTRY = Registry((langfuse.CONVENTION, gen_ai.CONVENTION, openinference.CONVENTION, otel.CONVENTION))
START_NS, END_NS = 1_000_000_000, 2_000_000_000


def read(attributes: Mapping[str, Any], *, scope: str = "tests", events: tuple[Event, ...] = ()) -> Observation:
    return REGISTRY.read(
        ReadableSpan(
            "work",
            attributes=attributes,
            events=events,
            start_time=START_NS,
            end_time=END_NS,
            instrumentation_scope=InstrumentationScope(scope),
        )
    )


def flat(prefix: str, *items: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of a list, as OpenInference writes it."""
    return {f"{prefix}.{index}.{key}": value for index, item in enumerate(items) for key, value in item.items()}


def inputs(*messages: Mapping[str, Any]) -> dict[str, Any]:
    return flat("llm.input_messages", *[{f"message.{key}": value for key, value in item.items()} for item in messages])


def outputs(*messages: Mapping[str, Any]) -> dict[str, Any]:
    return flat("llm.output_messages", *[{f"message.{key}": value for key, value in item.items()} for item in messages])


def plain(value: object) -> Any:
    """As JSON shows it."""
    return msgspec.json.decode(msgspec.json.encode(value))


HI = {"role": "user", "content": "hi"}
HELLO = {"role": "assistant", "content": "hello"}


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


# Messages.


def test_messages_become_chat_messages() -> None:
    observation = read(
        {
            **inputs({"role": "system", "content": "be nice"}, {**HI, "name": "Ann"}),
            **outputs(HELLO),
        }
    )

    assert plain(observation.input) == [{"role": "system", "content": "be nice"}, {**HI, "name": "Ann"}]
    assert plain(observation.output) == HELLO
    assert observation.metadata == {}


def test_several_output_messages_are_a_list() -> None:
    assert plain(read(outputs(HELLO, HELLO)).output) == [HELLO, HELLO]


def test_messages_come_by_their_index_not_by_the_order_of_the_attributes() -> None:
    messages = [{"role": "user", "content": str(number)} for number in range(12)]
    attributes = dict(sorted(inputs(*messages).items()))

    assert plain(read(attributes).input) == messages


def test_a_message_without_a_role_has_the_one_of_its_side() -> None:
    observation = read({**inputs({"content": "hi"}), **outputs({"content": "hello"})})

    assert (plain(observation.input), plain(observation.output)) == ([HI], HELLO)


def test_the_role_that_gemini_calls_model_is_the_assistant() -> None:
    assert plain(read(outputs({"role": "model", "content": "hello"})).output) == HELLO


def test_tool_calls_and_answers_keep_their_ids() -> None:
    observation = read(
        {
            **inputs(HI, {"role": "tool", "content": "rain", "tool_call_id": "c1", "name": "weather"}),
            **outputs(
                {
                    "role": "assistant",
                    "tool_calls.0.tool_call.id": "c1",
                    "tool_calls.0.tool_call.function.name": "weather",
                    "tool_calls.0.tool_call.function.arguments": '{"city": "Paris"}',
                    "tool_calls.0.tool_call.reasoning_signature": "sig",
                }
            ),
        }
    )

    assert plain(observation.input)[1] == {"role": "tool", "content": "rain", "tool_call_id": "c1", "name": "weather"}
    assert plain(observation.output) == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city":"Paris"}'},
                "id": "c1",
                "extra": {"reasoning_signature": "sig"},
            }
        ],
    }


def test_a_function_call_as_it_was_before_tools_is_a_tool_call() -> None:
    message = {"role": "assistant", "function_call_name": "add", "function_call_arguments_json": "not json"}

    (call,) = plain(read(outputs(message)).output)["tool_calls"]
    assert call["function"] == {"name": "add", "arguments": "not json"}


def test_a_tool_call_without_a_name_stays_beside_the_message() -> None:
    observation = read(outputs({"content": "hello", "tool_calls.0.tool_call.id": "c1"}))

    assert plain(observation.output)["extra"] == {"tool_calls": [{"tool_call": {"id": "c1"}}]}


def contents(*items: Mapping[str, Any]) -> dict[str, Any]:
    return flat("contents", *items)


def test_texts_alone_are_joined_by_line() -> None:
    text = "message_content.text"
    items = contents({"message_content.type": "text", text: "a"}, {"message_content.type": "text", text: "b"})

    assert plain(read(inputs({"role": "user", **items})).input) == [{"role": "user", "content": "a\nb"}]
    assert plain(read(inputs({"role": "user", "content": "a\nb", **items})).input)[0]["content"] == "a\nb"
    assert plain(read(inputs({"role": "user", "content": "c", **items})).input)[0]["content"] == "c\na\nb"


def test_reasoning_has_its_field_and_signatures_stay_beside() -> None:
    items = contents(
        {"message_content.type": "reasoning", "message_content.text": "hm", "message_content.signature": "s1"},
        {"message_content.type": "reasoning", "message_content.data": "redacted"},
        {"message_content.type": "text", "message_content.text": "hello"},
    )

    assert plain(read(outputs({"role": "assistant", **items})).output) == {
        "role": "assistant",
        "content": "hello",
        "reasoning_content": "hm",
        "extra": {
            "contents": {
                "0": {"type": "reasoning", "signature": "s1"},
                "1": {"type": "reasoning", "data": "redacted"},
            }
        },
    }


def test_tool_calls_among_the_contents_are_not_doubled() -> None:
    call = {"tool_call.id": "c1", "tool_call.function.name": "weather", "tool_call.function.arguments": "{}"}
    items = contents({"message_content.type": "tool_use", **call})
    listed = flat("tool_calls", call)

    for message in ({**items}, {**items, **listed}):
        (found,) = plain(read(outputs(message)).output)["tool_calls"]
        assert (found["id"], found["function"]["name"]) == ("c1", "weather")
        assert "extra" not in found


@pytest.mark.parametrize(
    ("kind", "holder", "item"),
    [
        (
            "image",
            {"url": "https://x/i.png"},
            {"modality": "image", "type": "image_url", "image_url": {"url": "https://x/i.png"}},
        ),
        (
            "image",
            {"url": "data:image/png;base64,AA=="},
            {
                "modality": "image",
                "mime_type": "image/png",
                "type": "image_url",
                "image_url": {"url": "data:image/png;base64,AA=="},
            },
        ),
        (
            "audio",
            {"url": "data:audio/wav;base64,AA==", "mime_type": "audio/wav", "transcript": "hi"},
            {
                "modality": "audio",
                "mime_type": "audio/wav",
                "transcript": "hi",
                "type": "file",
                "file": {"file_data": "data:audio/wav;base64,AA=="},
            },
        ),
        (
            "document",
            {"url": "https://x/d.pdf", "name": "d.pdf"},
            {"modality": "document", "name": "d.pdf", "type": "file", "file": {"file_url": "https://x/d.pdf"}},
        ),
        (
            "video",
            {"url": "s3://x/v.mp4"},
            {"modality": "video", "type": "file", "file": {"file_url": "s3://x/v.mp4"}},
        ),
        ("document", {"content": "text"}, {"type": "document", "document": {"document": {"content": "text"}}}),
        ("image", {"size": 3}, {"type": "image", "image": {"image": {"size": 3}}}),
    ],
)
def test_media_become_content_items(kind: str, holder: dict[str, object], item: dict[str, object]) -> None:
    found = {f"message_content.{kind}.{kind}.{key}": value for key, value in holder.items()}
    text = {"message_content.type": "text", "message_content.text": "see"}
    observation = read(inputs({"role": "user", **contents(text, {"message_content.type": kind, **found})}))

    assert plain(observation.input)[0]["content"] == [{"type": "text", "text": "see"}, item]


def test_a_content_of_an_unknown_kind_stays_as_it_is() -> None:
    observation = read(inputs({"role": "user", **contents({"message_content.type": "odd", "message_content.x": 1})}))

    assert plain(observation.input)[0]["content"] == [{"type": "odd", "x": 1}]


def test_keys_that_a_message_should_not_have_stay_beside_it() -> None:
    observation = read(inputs({**HI, "cache_control": "ephemeral", "tool_call_id": 7}))

    assert plain(observation.input) == [{**HI, "extra": {"cache_control": "ephemeral", "tool_call_id": 7}}]


def test_messages_that_are_no_list_stay_metadata() -> None:
    attributes = {"llm.input_messages.first.message.role": "user"}

    assert read(attributes).metadata == attributes


def test_tools_make_the_input_messages_and_tools() -> None:
    function = {"name": "weather", "parameters": {"type": "object"}}
    schemas = [{"type": "function", "function": function}, {"name": "odd", "input_schema": {}}]
    tools = flat("llm.tools", *[{"tool.json_schema": json.dumps(schema)} for schema in schemas])

    assert plain(read({**inputs(HI), **tools}).input) == {
        "messages": [HI],
        "tools": [{"type": "function", **function}, schemas[1]],
    }


@pytest.mark.parametrize("attributes", [inputs(HI), {}])
def test_tools_that_cannot_be_shown_with_messages_stay_metadata(attributes: dict[str, Any]) -> None:
    tools = {"llm.tools.0.tool.json_schema": "not json"}

    assert read({**attributes, **tools}).metadata == tools


def test_the_same_call_is_the_same_as_over_gen_ai() -> None:
    tool = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
    call = {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Paris"}}
    image = {"type": "uri", "modality": "image", "uri": "https://x/i.png"}
    over_gen_ai = read(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.response.model": "m",
            "gen_ai.request.temperature": 0.5,
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 5,
            "gen_ai.usage.cache_read.input_tokens": 4,
            "gen_ai.tool.definitions": json.dumps([tool]),
            "gen_ai.input.messages": json.dumps(
                [
                    {"role": "user", "parts": [{"type": "text", "content": "see"}, image]},
                    {"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}, call]},
                    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "rain"}]},
                ]
            ),
            "gen_ai.output.messages": json.dumps(
                [{"role": "assistant", "parts": [{"type": "text", "content": "It rains."}]}]
            ),
        }
    )
    see = {"message_content.type": "text", "message_content.text": "see"}
    picture = {"message_content.type": "image", "message_content.image.image.url": "https://x/i.png"}
    over_openinference = read(
        {
            "openinference.span.kind": "LLM",
            "llm.provider": "openai",
            "llm.model_name": "m",
            "llm.invocation_parameters": '{"model": "m", "temperature": 0.5}',
            "llm.token_count.prompt": 10,
            "llm.token_count.completion": 5,
            "llm.token_count.prompt_details.cache_read": 4,
            "llm.tools.0.tool.json_schema": json.dumps(
                {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
            ),
            **inputs(
                {"role": "user", **contents(see, picture)},
                {
                    "role": "assistant",
                    **contents({"message_content.type": "reasoning", "message_content.text": "hm"}),
                    "tool_calls.0.tool_call.id": "c1",
                    "tool_calls.0.tool_call.function.name": "weather",
                    "tool_calls.0.tool_call.function.arguments": '{"city": "Paris"}',
                },
                {"role": "tool", "content": "rain", "tool_call_id": "c1"},
            ),
            **outputs({"role": "assistant", "content": "It rains."}),
        }
    )

    assert over_openinference.input == over_gen_ai.input
    assert over_openinference.output == over_gen_ai.output
    for field in ("type", "model", "model_parameters", "usage", "level"):
        assert getattr(over_openinference, field) == getattr(over_gen_ai, field)
    assert over_openinference.metadata["provider"] == over_gen_ai.metadata["provider"]


def test_a_span_that_says_it_in_both_conventions_says_it_once() -> None:
    observation = read(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.input.messages": '[{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]',
            "gen_ai.usage.input_tokens": 3,
            "openinference.span.kind": "LLM",
            "llm.token_count.prompt": 3,
            **inputs(HI),
        }
    )

    assert (plain(observation.input), observation.usage) == ([HI], {"input": 3, "total": 3})
    assert observation.metadata.keys() == {"gen_ai.operation.name", "openinference.span.kind"}


def test_what_another_convention_contradicts_stays_visible() -> None:
    messages, counts = inputs(HI), {"llm.token_count.prompt": 3}
    observation = read({"langfuse.observation.input": "mine", "gen_ai.usage.input_tokens": 4, **messages, **counts})

    assert (observation.input, observation.usage) == ("mine", {"input": 4, "total": 4})
    assert observation.metadata == {**messages, **counts}


# Other content.


def test_prompts_and_choices_of_a_completion_are_messages() -> None:
    indexed = {"llm.prompts.0.prompt.text": "hi", "llm.choices.0.completion.text": "hello"}
    for attributes in (indexed, {"llm.prompts": ("hi",), "llm.choices": '["hello"]'}):
        observation = read(attributes)
        assert (plain(observation.input), plain(observation.output)) == ([HI], HELLO)
        assert observation.metadata == {}


@pytest.mark.parametrize(
    "attributes",
    [{"llm.prompts.0.prompt.text": 3}, {"llm.prompts.0.other": "x"}, {"llm.prompts": "x"}, {"llm.prompts": (1,)}],
)
def test_prompts_that_are_no_texts_stay_metadata(attributes: dict[str, Any]) -> None:
    observation = read(attributes)

    assert observation.input is None
    assert plain(observation.metadata) == plain(attributes)


def test_embeddings_have_texts_as_input_and_vectors_as_output() -> None:
    observation = read(
        flat(
            "embedding.embeddings",
            {"embedding.text": "a", "embedding.vector": (0.5, 1.0), "embedding.other": 1},
            {"embedding.text": "b", "embedding.vector": (0.0, 1.0)},
        )
    )

    assert plain(observation.input) == [{"role": "user", "content": "a\nb"}]
    assert observation.output == [[0.5, 1.0], [0.0, 1.0]]
    assert observation.metadata == {"embedding.embeddings.0.embedding.other": 1}


def test_retrieved_documents_are_the_output() -> None:
    document = {"document.id": "d1", "document.score": 0.9, "document.metadata": '{"page": 3}'}
    documents = flat("retrieval.documents", document, {"document.content": "b", "document.metadata": "{'page': 3}"})
    observation = read({"openinference.span.kind": "RETRIEVER", "input.value": "who?", **documents})

    assert observation.input == "who?"
    assert observation.output == [
        {"id": "d1", "score": 0.9, "metadata": {"page": 3}},
        {"content": "b", "metadata": "{'page': 3}"},
    ]


def test_a_reranker_has_query_and_documents_as_input_and_the_best_as_output() -> None:
    before = flat("reranker.input_documents", {"document.id": 1}, {"document.id": 2})
    after = flat("reranker.output_documents", {"document.id": 2})
    observation = read({"reranker.query": "who?", **before, **after})

    assert observation.input == {"query": "who?", "documents": [{"id": 1}, {"id": 2}]}
    assert observation.output == [{"id": 2}]
    assert read({"reranker.query": "who?"}).input == "who?"
    assert read(before).input == [{"id": 1}, {"id": 2}]


# The raw request and answer.


@pytest.mark.parametrize("value", ["text", '{"a": 1.0}', '{"id": 123456789012345678901234567890}'])
@pytest.mark.parametrize("mime_type", ["text/plain", "application/json"])
def test_raw_values_alone_are_input_and_output_unchanged(value: str, mime_type: str) -> None:
    observation = read({"input.value": value, "input.mime_type": mime_type, "output.value": value})

    assert (observation.input, observation.output) == (value, value)
    assert observation.metadata == {"input.mime_type": mime_type}


def test_messages_win_and_raw_values_that_say_more_are_metadata() -> None:
    raw = {"input.value": '{"messages": [], "other": 1}', "output.value": '{"id": "chatcmpl-1"}'}
    observation = read({**raw, **inputs(HI), **outputs(HELLO)})

    assert (plain(observation.input), plain(observation.output)) == ([HI], HELLO)
    assert observation.metadata == raw


@pytest.mark.parametrize(
    "raw",
    [
        "hi",
        json.dumps([HI]),
        json.dumps({"messages": [HI]}),
        json.dumps({"model": "m", "temperature": 0.5, "stream": None, "messages": [HI]}),
    ],
)
def test_a_raw_request_that_says_nothing_new_is_not_shown_again(raw: str) -> None:
    known = {"llm.invocation_parameters": '{"temperature": 0.5}', "llm.model_name": "m", **inputs(HI)}

    assert read({"input.value": raw, **known}).metadata == {}


@pytest.mark.parametrize(
    "raw",
    [
        "bye",
        "{}",
        "[]",
        "[[[",
        json.dumps([HI, HI]),
        json.dumps({"messages": [HI], "seed": 7}),
        json.dumps({"messages": [{**HI, "name": "Ann"}]}),
        json.dumps({"messages": [HI], "tools": 3}),
        json.dumps({"messages": 3}),
        json.dumps({"messages": [HI], "input": "hey"}),
        '{"messages": ' + "[" * 600 + "]" * 600 + "}",
    ],
)
def test_a_raw_request_that_says_something_new_is_metadata(raw: str) -> None:
    assert read({"input.value": raw, **inputs(HI)}).metadata == {"input.value": raw}


def test_a_raw_request_with_the_tools_that_are_shown_is_not_shown_again() -> None:
    tool = {"type": "function", "function": {"name": "weather"}}
    observation = read(
        {
            "input.value": json.dumps({"messages": [HI], "tools": [tool]}),
            "llm.tools.0.tool.json_schema": json.dumps(tool),
            **inputs(HI),
        }
    )

    assert observation.metadata == {}


def test_a_raw_request_may_spell_arguments_and_media_as_the_provider_does() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    raw = {"messages": [{"role": "user", "content": [image]}, {"role": "assistant", "tool_calls": [call]}]}
    read_ = inputs(
        {
            "role": "user",
            "contents.0.message_content.type": "image",
            "contents.0.message_content.image.image.url": "data:image/png;base64,AA==",
        },
        {
            "role": "assistant",
            "tool_calls.0.tool_call.id": "c1",
            "tool_calls.0.tool_call.function.name": "weather",
            "tool_calls.0.tool_call.function.arguments": '{"city": "Paris"}',
        },
    )

    assert read({"input.value": json.dumps(raw), **read_}).metadata == {}
    image["image_url"] = {"url": "data:image/png;base64,BB=="}
    assert "input.value" in read({"input.value": json.dumps(raw), **read_}).metadata


def test_a_raw_answer_that_says_nothing_new_is_not_shown_again() -> None:
    for raw in ("hello", json.dumps(HELLO), '{"content": "hello"}'):
        assert read({"output.value": raw, **outputs(HELLO)}).metadata == {}
    said = '{"answer": 5}'
    assert read({"output.value": said, **outputs({"role": "assistant", "content": said})}).metadata == {}


@pytest.mark.parametrize("raw", ['{"input": "a", "model": "m"}', '{"input": ["a"], "model": "m"}'])
def test_a_raw_embedding_request_that_says_nothing_new_is_not_shown_again(raw: str) -> None:
    text = {"embedding.embeddings.0.embedding.text": "a"}

    assert read({"input.value": raw, "embedding.model_name": "m", **text}).metadata == {}


def test_a_raw_embedding_request_that_shows_which_texts_are_apart_is_metadata() -> None:
    texts = flat("embedding.embeddings", {"embedding.text": "a"}, {"embedding.text": "b"})

    assert "input.value" in read({"input.value": '{"input": ["a", "b"]}', **texts}).metadata


# Tokens and cost.


def test_inclusive_counts_become_disjoint_ones() -> None:
    observation = read(
        {
            "llm.token_count.prompt": 100,
            "llm.token_count.completion": 50,
            "llm.token_count.total": 150,
            "llm.token_count.prompt_details.cache_read": 30,
            "llm.token_count.prompt_details.cache_write": 20,
            "llm.token_count.prompt_details.audio": 10,
            "llm.token_count.completion_details.reasoning": 15,
            "llm.token_count.completion_details.audio": 5,
        }
    )

    assert observation.usage == {
        "input": 40,
        "output": 30,
        "input_cached_tokens": 30,
        "input_cache_creation": 20,
        "input_audio_tokens": 10,
        "output_reasoning_tokens": 15,
        "output_audio_tokens": 5,
        "total": 150,
    }
    assert observation.metadata == {}


def test_counts_that_are_part_of_others_or_no_counts_stay_metadata() -> None:
    odd = {"llm.token_count.prompt_details.text": 7, "llm.token_count.completion": "many"}
    observation = read({"llm.token_count.prompt": 10, **odd})

    assert (observation.usage, observation.metadata) == ({"input": 10, "total": 10}, odd)


def test_both_names_of_cached_tokens_count_once() -> None:
    cached = {"llm.token_count.prompt_details.cache_input": 4, "llm.token_count.prompt_details.cache_read": 4}

    assert read({"llm.token_count.prompt": 10, **cached}).usage == {"input": 6, "input_cached_tokens": 4, "total": 10}


def test_a_decision_model_counts_too() -> None:
    counts = {"decision.token_count.input": 10, "decision.token_count.output": 2}

    assert read(counts).usage == {"input": 10, "output": 2, "total": 12}


@pytest.mark.parametrize("kind", ["AGENT", "CHAIN"])
def test_an_outer_span_is_not_billed_for_the_calls_inside(kind: str) -> None:
    repeated = {"llm.token_count.prompt": 100, "llm.cost.total": 0.5}
    observation = read({"openinference.span.kind": kind, "llm.model_name": "m", **repeated})

    assert (observation.usage, observation.cost) == ({"input": 0, "output": 0, "total": 0}, None)
    assert observation.metadata == {"openinference.span.kind": kind, **repeated}


def test_an_agent_that_has_no_spans_inside_is_billed() -> None:
    counts = {"openinference.span.kind": "AGENT", "llm.token_count.prompt": 100, "llm.cost.total": 0.5}
    observation = read(counts, scope="openinference.instrumentation.claude_agent_sdk")

    assert (observation.usage, observation.cost) == ({"input": 100, "total": 100}, {"total": 0.5})


def test_costs_are_disjoint_too() -> None:
    observation = read(
        {
            "llm.cost.prompt": 0.0021,
            "llm.cost.completion": 0.0045,
            "llm.cost.total": 0.0066,
            "llm.cost.prompt_details.cache_read": 0.0003,
            "llm.cost.prompt_details.cache_write": 0.0006,
            "llm.cost.completion_details.output": 0.0021,
            "llm.cost.completion_details.reasoning": 0.0024,
        }
    )

    assert observation.cost == {
        "input": 0.0012,
        "input_cached_tokens": 0.0003,
        "input_cache_creation": 0.0006,
        "output": 0.0021,
        "output_reasoning_tokens": 0.0024,
        "total": 0.0066,
    }
    assert observation.metadata == {}


def test_a_cost_without_a_total_has_the_sum() -> None:
    assert read({"llm.cost.prompt": 0.1, "llm.cost.completion": "0.2"}).cost == {
        "input": 0.1,
        "output": 0.2,
        "total": 0.3,
    }


def test_costs_that_disagree_or_are_none_stay_visible() -> None:
    odd = {"llm.cost.prompt": 5.0, "llm.cost.completion": "dear", "llm.cost.other": 1.0}
    observation = read({"llm.cost.prompt_details.input": 1.0, **odd})

    assert (observation.cost, observation.metadata) == ({"input": 1.0, "total": 1.0}, odd)


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
    assert [value for value in attributes.values() if value not in shown] == []
