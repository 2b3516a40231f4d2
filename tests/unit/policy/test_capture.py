"""Content that is not wanted does not leave, wherever a span had it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from conversation import PIXEL, QUESTION, SYSTEM
from expectation import recorded, recordings
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import NoOpTracer

from langfuse_otel.conventions.registry import read
from langfuse_otel.observation import Message, Observation
from langfuse_otel.policy.capture import CAPTURED, CONTENT_LEFT_OUT, Capture, capture
from langfuse_otel.wire.ingestion import IngestionWire
from langfuse_otel.wire.otlp import OtlpWire

Make = Callable[..., Observation]
ASKED, ANSWERED = "asked-canary", "answered-canary"


def span(attributes: dict[str, Any], events: dict[str, dict[str, Any]] | None = None) -> ReadableSpan:
    made = TracerProvider().get_tracer("tests").start_span("chat", attributes=attributes)
    for name, event_attributes in (events or {}).items():
        made.add_event(name, event_attributes)
    made.end()
    assert isinstance(made, ReadableSpan) and not isinstance(made, NoOpTracer)
    return made


def on_wires(observation: Observation) -> str:
    return "".join(b"".join(wire.encode(observation)[:2]).decode() for wire in (OtlpWire(), IngestionWire()))


def message(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


SPANS: dict[str, ReadableSpan] = {
    "gen_ai": span(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.system_instructions": json.dumps([{"type": "text", "content": ASKED}]),
            "gen_ai.input.messages": message("user", ASKED),
            "gen_ai.output.messages": message("assistant", ANSWERED),
            "gen_ai.tool.definitions": json.dumps([{"type": "function", "name": ASKED}]),
            "gen_ai.usage.input_tokens": 10,
        }
    ),
    "gen_ai beside langfuse": span(
        {
            "langfuse.observation.input": ASKED,
            "langfuse.observation.output": ANSWERED,
            "gen_ai.input.messages": message("user", f"{ASKED} again"),
            "gen_ai.output.messages": message("assistant", f"{ANSWERED} again"),
        }
    ),
    "references": span({"gen_ai.input.messages_ref": ASKED, "gen_ai.output.messages_ref": ANSWERED}),
    "events": span(
        {"gen_ai.operation.name": "chat"},
        {
            "gen_ai.user.message": {"content": ASKED},
            "gen_ai.system.message": {"content": ASKED},
            "gen_ai.choice": {"message": ANSWERED},
            "gen_ai.client.inference.operation.details": {
                "gen_ai.input.messages": ASKED,
                "gen_ai.output.messages": ANSWERED,
            },
        },
    ),
    "older gen_ai": span({"gen_ai.prompt": ASKED, "gen_ai.completion": ANSWERED}),
    "openllmetry": span(
        {
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": ASKED,
            "gen_ai.completion.0.content": ANSWERED,
            "traceloop.entity.input": ASKED,
            "traceloop.entity.output": ANSWERED,
        }
    ),
    "openinference": span(
        {
            "input.value": ASKED,
            "output.value": ANSWERED,
            "llm.input_messages.0.message.content": ASKED,
            "llm.output_messages.0.message.content": ANSWERED,
            "llm.prompts.0.prompt.text": ASKED,
            "llm.choices.0.completion.text": ANSWERED,
            "retrieval.documents.0.document.content": ANSWERED,
        }
    ),
    "vercel": span(
        {
            "ai.prompt.messages": ASKED,
            "ai.response.text": ANSWERED,
            "ai.toolCall.args": ASKED,
            "ai.toolCall.result": ANSWERED,
        }
    ),
    "tool": span(
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.call.arguments": ASKED,
            "gen_ai.tool.call.result": ANSWERED,
        }
    ),
    "pydantic": span({"tool_arguments": ASKED, "tool_response": ANSWERED, "final_result": ANSWERED}),
    "google": span({"gcp.vertex.agent.llm_request": ASKED, "gcp.vertex.agent.llm_response": ANSWERED}),
    "mlflow": span({"mlflow.spanInputs": ASKED, "mlflow.spanOutputs": ANSWERED}),
    "livekit": span({"lk.input_text": ASKED, "lk.response.text": ANSWERED}),
    "langfuse 3": span({"langfuse.trace.input": ASKED, "langfuse.trace.output": ANSWERED}),
    "experiment": span({"langfuse.experiment.item.expected_output": ANSWERED}),
    "request bodies": span({"http.request.body": ASKED, "http.response.body": ANSWERED}),
}


@pytest.mark.parametrize("convention", SPANS)
@pytest.mark.parametrize("captured", CAPTURED)
def test_only_the_wanted_side_leaves(convention: str, captured: str) -> None:
    before = read(SPANS[convention])
    said = on_wires(before)
    left = on_wires(Capture(captured)(before))

    assert (ASKED in left) == (ASKED in said and captured in ("all", "input"))
    assert (ANSWERED in left) == (ANSWERED in said and captured in ("all", "output"))


IN_THE_QUESTION = (PIXEL[-40:], QUESTION, SYSTEM, "Hello?")
IN_THE_ANSWER = "It is 18"
IN_THE_RESULT = "celsius"  # an output of the tool, and an input of the next call


@pytest.mark.parametrize("name", recordings())
def test_no_real_instrumentation_brings_content_past_it(name: str) -> None:
    """In the recordings of `tests/conventions`; names and descriptions of tools may stay."""
    for before in map(read, recorded(name)):
        nothing, asked, answered = (on_wires(Capture(captured)(before)) for captured in ("none", "input", "output"))
        for text in IN_THE_QUESTION:
            assert text not in nothing
            assert text not in answered
        assert IN_THE_ANSWER not in nothing
        assert IN_THE_ANSWER not in asked
        assert IN_THE_RESULT not in nothing


@pytest.mark.parametrize("captured", ["none", "input", "output"])
def test_what_holds_both_sides_leaves_only_if_both_are_wanted(captured: str) -> None:
    before = read(span({"pydantic_ai.all_messages": f"{ASKED} {ANSWERED}", "all_messages_events": ASKED}))
    assert "canary" not in on_wires(Capture(captured)(before))


def test_a_message_of_the_assistant_in_an_event_is_an_earlier_answer_and_both_input_and_output() -> None:
    before = read(span({}, {"gen_ai.assistant.message": {"content": ANSWERED}}))
    for captured in ("none", "input", "output"):
        assert ANSWERED not in on_wires(Capture(captured)(before))


def test_an_event_that_loses_its_content_still_happened() -> None:
    other = {"langfuse.observation.input": "another input, so that the event is not read as one"}
    before = read(span(other, {"gen_ai.user.message": {"content": ASKED}}))
    [event] = Capture("none")(before).metadata["otel.events"]
    assert event == {**before.metadata["otel.events"][0], "attributes": {}}


@pytest.mark.parametrize(("captured", "mark"), [("none", "input, output"), ("input", "output"), ("output", "input")])
def test_a_mark_says_what_is_left_out(call: Make, captured: str, mark: str) -> None:
    assert Capture(captured)(call("x")).metadata[CONTENT_LEFT_OUT] == mark


@pytest.mark.parametrize("captured", CAPTURED)
def test_an_observation_without_content_is_itself(observation: Make, captured: str) -> None:
    before = observation(metadata={"customer": "acme"}, status_message="no")
    assert Capture(captured)(before) is before


def test_everything_is_captured_by_default(call: Make) -> None:
    before = call("x")
    assert Capture("all")(before) is before
    assert capture("all") is None
    assert capture("none") is not None


def test_all_but_the_content_stays(call: Make) -> None:
    attributes = {
        "gen_ai.prompt.name": "greeting",
        "gen_ai.prompt.version": "latest",
        "gen_ai.tool.name": "lookup",
        "gen_ai.response.id": "resp-1",
        "gen_ai.response.finish_reasons": ["stop"],
        "input.mime_type": "text/plain",
        "http.url": "https://example.com",
        "prompt_id": "7",
    }
    before = call("x", metadata=attributes, model_parameters={"temperature": 1}, cost={"total": 0.1})
    after = Capture("none")(before)

    assert after.metadata == {**attributes, CONTENT_LEFT_OUT: "input, output"}
    for field in ("name", "model", "usage", "cost", "model_parameters", "status_message", "trace_metadata"):
        assert getattr(after, field) == getattr(before, field)
    assert after.passthrough == {"langfuse.experiment.id": "experiment-1"}


@pytest.mark.parametrize("wrap", [list, lambda messages: {"messages": messages, "tools": []}], ids=["list", "tools"])
def test_the_answer_at_the_end_of_an_input_is_output(observation: Make, wrap: Callable[[Any], Any]) -> None:
    asked = [Message("user", "hi"), {"role": "assistant", "content": "ho"}, Message("user", "and?")]
    whole = [*asked, {"role": "assistant", "content": "no"}, Message("assistant", "yes")]

    assert Capture("input")(observation(input=wrap(whole))).input == wrap(asked)
    before = observation(input=wrap(whole))
    assert Capture("all")(before) is before


def test_numbers_of_a_key_like_that_of_content_stay(observation: Make) -> None:
    before = observation(metadata={"llm.token_count.prompt": 3, "llm.cost.input": 0.1})
    assert Capture("none")(before) is before


def test_parameters_that_hold_the_messages_go_with_them(observation: Make) -> None:
    parameters = {"temperature": 1, "tools": [{"name": "f"}], "messages": ["hi"], "tool_choice": "auto"}
    after = Capture("output")(observation(model_parameters=parameters))
    assert after.model_parameters == {"temperature": 1, "tool_choice": "auto"}
    assert Capture("input")(observation(model_parameters=parameters)).model_parameters == parameters


def test_the_original_stays_as_it_was(call: Make) -> None:
    before = call("x", metadata={"gen_ai.prompt": "x"})
    Capture("none")(before)
    assert before == call("x", metadata={"gen_ai.prompt": "x"})


@pytest.mark.parametrize(("captured", "usage"), [("input", 0), ("output", 0), ("none", None), ("all", None)])
def test_the_server_does_not_count_the_words_of_half_a_call(call: Make, captured: str, usage: int | None) -> None:
    after = Capture(captured)(call("x", usage=None))
    assert after.usage == (None if usage is None else {"input": 0, "output": 0, "total": 0})


def test_usage_that_was_said_stays(call: Make) -> None:
    assert Capture("input")(call("x")).usage == {"input": 10, "output": 5, "total": 15}


def test_a_call_that_had_only_the_wanted_half_is_counted_as_ever(call: Make) -> None:
    before = call("x", usage=None, output=None, passthrough={})
    assert Capture("input")(before) is before


def test_an_unknown_word_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="all, input, output, none"):
        capture("some")
