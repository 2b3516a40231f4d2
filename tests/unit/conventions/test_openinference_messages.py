"""OpenInference's messages and other content, as Langfuse's input and output."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from support.openinference_spans import HELLO, HI, flat, inputs, outputs, read
from support.reading import plain


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
