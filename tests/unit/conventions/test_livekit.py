"""LiveKit Agents, as Langfuse's fields."""

from __future__ import annotations

import json

import pytest
from opentelemetry.trace import StatusCode
from reading import plain, reading

from langfuse_otel.conventions import gen_ai, livekit

read = reading(livekit.CONVENTION, gen_ai.CONVENTION, scope="livekit-agents")


ITEMS = [
    {"type": "message", "role": "system", "content": ["You are Kelly."]},
    {"type": "message", "role": "user", "content": ["hi", "there"]},
    {"type": "function_call", "id": "item_1", "call_id": "c1", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c1", "name": "f", "output": "done"},
]
CALL = {"type": "function", "id": "c1", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize("prefix", ["lk.", "lk.pii."])
def test_the_chat_context_is_the_input_in_the_chat_format(prefix: str) -> None:
    observation = read({prefix + "chat_ctx": json.dumps({"items": ITEMS})}, name="llm_node")

    assert plain(observation.input) == [
        {"role": "system", "content": "You are Kelly."},
        {"role": "user", "content": "hi\nthere"},
        {"role": "assistant", "content": None, "tool_calls": [{**CALL, "extra": {"item_id": "item_1"}}]},
        {"role": "tool", "content": "done", "name": "f", "tool_call_id": "c1"},
    ]
    assert observation.metadata == {}


@pytest.mark.parametrize("prefix", ["lk.", "lk.pii."])
def test_text_and_function_calls_are_one_message(prefix: str) -> None:
    calls = json.dumps([{"call_id": "c1", "name": "f", "arguments": "{}"}])
    observation = read({prefix + "response.text": "one moment", prefix + "response.function_calls": calls})

    assert plain(observation.output) == {"role": "assistant", "content": "one moment", "tool_calls": [CALL]}
    assert observation.metadata == {}


@pytest.mark.parametrize(
    "key", ["lk.input_text", "lk.user_transcript", "lk.user_input", "lk.pii.user_input", "lk.function_tool.arguments"]
)
def test_what_was_said_is_the_input(key: str) -> None:
    observation = read({key: "hi", "lk.speech_id": "x"})

    assert (observation.input, observation.metadata) == ("hi", {"lk.speech_id": "x"})


def test_a_tool_has_its_output() -> None:
    observation = read({"lk.function_tool.output": "rain", "lk.function_tool.name": "f"}, name="function_tool")

    assert (observation.type, observation.output) == ("tool", "rain")
    assert observation.metadata == {"lk.function_tool.name": "f"}


@pytest.mark.parametrize("name", ["llm_node", "llm_request_run"])
def test_spans_around_and_within_a_model_call_are_not_billed_though_they_name_the_model(name: str) -> None:
    observation = read({"gen_ai.request.model": "gpt-4o", "lk.response.text": "It rains."}, name=name)

    assert observation.type in ("chain", "span")
    assert observation.usage == {"input": 0, "output": 0, "total": 0}


@pytest.mark.parametrize(("name", "type_"), [("agent_turn", "agent"), ("start_agent_activity", "agent")])
def test_the_name_is_the_type_in_livekits_scope_only(name: str, type_: str) -> None:
    assert read({"lk.agent_label": "a"}, name=name).type == type_
    assert read({"lk.agent_label": "a"}, name=name, scope="app").type == "span"


def test_noise_is_debug_unless_it_failed() -> None:
    assert read({"lk.eou.delay": 1}, name="eou_detection").level == "DEBUG"
    assert read({"lk.eou.delay": 1}, name="eou_detection", status=StatusCode.ERROR).level == "ERROR"


def test_seconds_to_the_first_token_are_a_moment() -> None:
    observation = read({"lk.response.ttft": 0.25})

    assert observation.completion_start_ns == observation.start_ns + 250_000_000
    assert read({"lk.response.ttft": "soon"}).metadata == {"lk.response.ttft": "soon"}


def test_tokens_by_modality_are_not_counted_twice() -> None:
    observation = read(
        {
            "lk.realtime_model_metrics": "{}",
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.input_text_tokens": 6,
            "gen_ai.usage.input_audio_tokens": 4,
            "gen_ai.usage.output_tokens": 5,
            "gen_ai.usage.output_text_tokens": 5,
        }
    )

    assert observation.usage == {"input": 6, "input_audio_tokens": 4, "output": 5, "total": 15}
    assert observation.metadata == {
        "lk.realtime_model_metrics": "{}",
        "gen_ai.usage.input_text_tokens": 6,
        "gen_ai.usage.output_text_tokens": 5,
    }


def test_messages_by_their_standard_name_come_first() -> None:
    messages = '[{"role":"user","parts":[{"type":"text","content":"standard"}]}]'
    observation = read({"gen_ai.input.messages": messages, "lk.chat_ctx": json.dumps({"items": ITEMS})})

    assert plain(observation.input) == [{"role": "user", "content": "standard"}]
    assert "lk.chat_ctx" in observation.metadata


@pytest.mark.parametrize("value", ["{", '{"items": 1}', "[1]"])
def test_a_context_of_another_shape_is_shown_as_it_is(value: str) -> None:
    observation = read({"lk.chat_ctx": value, "lk.response.function_calls": value})

    assert observation.input == value
    assert observation.metadata == {"lk.response.function_calls": value}


def test_of_both_spellings_the_one_that_says_something_else_stays_visible() -> None:
    observation = read(
        {"lk.user_input": "hi", "lk.pii.user_input": "hello", "lk.chat_ctx": "c", "lk.pii.chat_ctx": "c"}
    )

    assert observation.input == "hello"
    assert observation.metadata == {"lk.user_input": "hi", "lk.chat_ctx": "c", "lk.pii.chat_ctx": "c"}


@pytest.mark.parametrize(("other", "visible"), [(4, {}), (9, {"gen_ai.usage.audio.input_tokens": 9})])
def test_of_two_counts_of_the_same_audio_the_other_one_stays_visible(other: int, visible: dict[str, int]) -> None:
    usage = {"gen_ai.usage.input_audio_tokens": 4, "gen_ai.usage.audio.input_tokens": other}
    observation = read({"lk.speech_id": "x", "gen_ai.usage.input_tokens": 10, **usage})

    assert observation.usage == {"input": 6, "input_audio_tokens": 4, "total": 10}
    assert observation.metadata == {"lk.speech_id": "x", **visible}
