"""Logfire's spans, and its wrappers of the OpenAI and Anthropic clients."""

from __future__ import annotations

import json

import pytest
from opentelemetry.trace import StatusCode
from reading import plain, reading

from langfuse_otel.conventions import gen_ai, logfire

read = reading(gen_ai.CONVENTION, logfire.CONVENTION, scope="logfire")


ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "temperature": 0.5}
NOT_BILLED = {"input": 0, "output": 0, "total": 0}


def test_the_message_is_the_name_of_a_span_named_by_a_template() -> None:
    observation = read(
        {"logfire.msg": "Hello Ada", "logfire.msg_template": "Hello {name}", "logfire.json_schema": "{}"},
        name="Hello {name}",
    )

    assert observation.name == "Hello Ada"
    assert observation.metadata == {"logfire.msg_template": "Hello {name}", "logfire.json_schema": "{}"}


def test_a_name_by_the_conventions_is_better_than_the_message() -> None:
    tool = {"gen_ai.operation.name": "execute_tool", "logfire.msg": "running tool: f"}

    assert read(tool, name="execute_tool f").name == "execute_tool f"
    assert read(tool, name="execute_tool f").metadata["logfire.msg"] == "running tool: f"
    assert read(tool, name="running tool").name == "running tool: f"


def test_tags_are_the_traces() -> None:
    assert read({"logfire.tags": ["LLM", "beta"]}).tags == ("LLM", "beta")


@pytest.mark.parametrize(
    ("number", "level"), [(5, "DEBUG"), (9, "DEFAULT"), (10, "DEFAULT"), (13, "WARNING"), (17, "ERROR"), (21, "ERROR")]
)
def test_the_severity_is_the_level(number: int, level: str) -> None:
    observation = read({"logfire.level_num": number})

    assert (observation.level, observation.metadata) == (level, {"logfire.level_num": number})


def test_a_pending_span_is_a_debug_line_that_costs_nothing() -> None:
    attributes = {
        "logfire.span_type": "pending_span",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
    }

    observation = read(attributes)

    assert (observation.level, observation.usage) == ("DEBUG", NOT_BILLED)
    assert observation.metadata["logfire.span_type"] == "pending_span"
    assert read({**attributes, "logfire.span_type": "span"}).usage is None


def test_a_pending_span_that_failed_is_an_error() -> None:
    assert read({"logfire.span_type": "pending_span"}, status=StatusCode.ERROR).level == "ERROR"


def test_a_call_of_openai() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}
    message = {"role": "assistant", "content": "hello", "refusal": None, "tool_calls": None}
    observation = read(
        {
            "request_data": json.dumps(ASKED),
            "response_data": json.dumps({"message": message, "usage": usage}),
            "async": False,
        },
        scope="logfire.openai",
    )

    assert (observation.type, observation.model) == ("generation", "gpt-4o")
    assert plain(observation.input) == ASKED["messages"]
    assert plain(observation.output) == {"role": "assistant", "content": "hello"}
    assert observation.model_parameters == {"temperature": 0.5}
    assert observation.usage == {"input": 5, "input_cached_tokens": 4, "output": 2, "total": 11}
    assert observation.metadata == {"async": False}


def test_a_call_of_anthropic_comes_out_in_the_chat_format() -> None:
    asked = {
        "model": "claude",
        "max_tokens": 9,
        "system": "be nice",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "done"}]},
        ],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    }
    counts = {"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 100}
    observation = read(
        {
            "request_data": json.dumps(asked),
            "response_data": json.dumps({"message": {"role": "assistant"}, "usage": counts}),
        },
        scope="logfire.anthropic",
    )

    assert plain(observation.input) == {
        "messages": [
            {"role": "system", "content": "be nice"},
            {"role": "user", "content": "hi"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"type": "function", "id": "t1", "function": {"name": "f", "arguments": '{"a":1}'}}],
            },
            {"role": "tool", "content": "done", "tool_call_id": "t1"},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
    }
    assert observation.model_parameters == {"max_tokens": 9}
    assert observation.usage == {"input": 5, "input_cached_tokens": 100, "output": 2, "total": 107}


def test_anthropics_images_are_content_items() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "aGk="}
    asked = {"model": "m", "messages": [{"role": "user", "content": [{"type": "image", "source": source}]}]}
    observation = read({"request_data": json.dumps(asked)}, scope="logfire.anthropic")
    (item,) = plain(observation.input)[0]["content"]

    assert item["image_url"] == {"url": "data:image/png;base64,aGk="}


def test_of_the_two_spans_of_a_streamed_call_the_one_with_the_output_is_billed() -> None:
    asked = {"request_data": json.dumps({**ASKED, "stream": True})}
    answered = {**asked, "response_data": json.dumps({"combined_chunk_content": "hello", "chunk_count": 3})}

    assert read(asked, scope="logfire.openai").usage == NOT_BILLED
    observation = read(answered, scope="logfire.openai")
    assert observation.usage is None
    assert plain(observation.output) == {"role": "assistant", "content": "hello"}
    assert observation.metadata == {"response_data": {"chunk_count": 3}}


def test_an_embedding_has_its_input() -> None:
    asked = {"model": "embed", "input": ["a", "b"]}
    observation = read({"request_data": json.dumps(asked)}, scope="logfire.openai")

    assert (observation.input, observation.model) == (["a", "b"], "embed")


def test_what_the_genai_conventions_say_comes_first_and_the_rest_stays_visible() -> None:
    said = {"role": "assistant", "content": "theirs"}
    observation = read(
        {
            "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]',
            "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"hello"}]}]',
            "gen_ai.usage.input_tokens": 1,
            "request_data": json.dumps(ASKED),
            "response_data": json.dumps({"message": said, "usage": {"prompt_tokens": 7}}),
        },
        scope="logfire.openai",
    )

    assert plain(observation.output) == {"role": "assistant", "content": "hello"}
    assert observation.usage == {"input": 1, "total": 1}
    assert observation.metadata == {
        "request_data": json.dumps(ASKED),
        "response_data": {"message": said, "usage": {"prompt_tokens": 7}},
    }


@pytest.mark.parametrize("scope", ["app", "logfire.openai", "logfire.anthropic"])
@pytest.mark.parametrize("value", ["[]", "{", "[1]", 7])
def test_data_of_another_shape_stay_visible(scope: str, value: object) -> None:
    attributes = {"request_data": value, "response_data": value}

    assert read(attributes, scope=scope).metadata == attributes


@pytest.mark.parametrize("scope", ["app", "logfire", "logfire.httpx", "logfire.anthropic.mine"])
def test_request_data_of_another_scope_are_not_a_call(scope: str) -> None:
    attributes = {"request_data": json.dumps(ASKED)}
    observation = read(attributes, scope=scope)

    assert observation.input is None
    assert observation.metadata == attributes


def test_tools_of_another_shape_stay_with_the_parameters() -> None:
    observation = read({"request_data": json.dumps({**ASKED, "tools": "all"})}, scope="logfire.openai")

    assert observation.model_parameters == {"temperature": 0.5, "tools": "all"}
