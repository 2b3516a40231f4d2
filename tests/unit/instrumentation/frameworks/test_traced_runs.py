"""Runs of a framework that calls back, with their spans."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.call import Telemetry
from langfuse_otel.instrumentation.content import ContentPolicy
from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.instrumentation.frameworks import step_kinds
from langfuse_otel.instrumentation.frameworks.called_models import asked, called_model
from langfuse_otel.instrumentation.frameworks.steps import Kind
from langfuse_otel.instrumentation.frameworks.traced_runs import NOT_YET, Run, Told, TracedRuns
from langfuse_otel.instrumentation.metrics import Metrics

CHAT = called_model(
    names.CHAT,
    messages=lambda given: [said.message("user", [said.text(given)])],
    response=lambda answer: {names.RESPONSE_ID: answer["id"]},
    output=lambda answer: {names.OUTPUT_MESSAGES: [said.message("assistant", [said.text(answer["text"])])]},
)


class Redirected(Exception):
    """With this, the framework stops a run to ask its user."""


class RedirectedTwice(Redirected):
    """One of its kind."""


def _link() -> Kind:
    return step_kinds.link("parser", lambda value: value)


def _asked() -> dict[str, Any]:
    params = {"model": "otter-1", "temperature": 0.5, "stream": True, "tools": [{"name": "weather"}]}
    settings = {"base_url": "https://api.x.ai/v1"}
    return asked("Hi", provider="xai", settings=settings, params=params, described={"ls_model_name": "other"})


@pytest.fixture
def recording() -> Recording:
    return Recording()


@pytest.fixture
def runs(recording: Recording) -> TracedRuns:
    metrics = Metrics(recording.meter_provider.get_meter("test"))
    telemetry = Telemetry(recording.tracer_provider.get_tracer("test"), metrics, ContentPolicy())
    return TracedRuns(telemetry, lambda told: Run(**told), redirects=("Redirected",))


def test_a_call_tells_what_was_asked_and_answered(runs: TracedRuns, recording: Recording) -> None:
    runs.begin_call({"id": 1, "metadata": {"user": "ada"}}, CHAT, _asked)
    runs.chunk(1, has_content=True)
    runs.end(1, {"id": "a1", "text": "Hello"})
    attributes = recording.attributes
    assert recording.span.name == "chat otter-1"
    assert (attributes[names.PROVIDER_NAME], attributes[names.SERVER_ADDRESS]) == ("x_ai", "api.x.ai")
    assert attributes[names.REQUEST_TEMPERATURE] == 0.5
    assert attributes[names.RESPONSE_ID] == "a1"
    assert attributes[names.STEP_METADATA + "user"] == "ada"
    assert "Hi" in attributes[names.INPUT_MESSAGES]
    assert "weather" in attributes[names.TOOL_DEFINITIONS]
    assert "Hello" in attributes[names.OUTPUT_MESSAGES]
    assert attributes[names.RESPONSE_TIME_TO_FIRST_CHUNK] >= 0


def test_what_a_step_is_given_may_be_told_late(runs: TracedRuns, recording: Recording) -> None:
    runs.begin_step({"id": 1}, _link, NOT_YET)
    runs.given(1, None)
    runs.given(1, "late")
    runs.given("unknown", "late")
    runs.end(1, "done")
    assert recording.attributes[names.STEP_INPUT] == "late"
    assert recording.attributes[names.STEP_OUTPUT] == "done"


def test_a_chunk_of_anything_but_a_call_is_nothing(runs: TracedRuns, recording: Recording) -> None:
    runs.begin_step({"id": 1}, _link, "in")
    runs.chunk(1, has_content=True)
    runs.chunk("unknown", has_content=True)
    runs.end(1)
    assert recording.span.status.status_code is StatusCode.UNSET


def test_a_hidden_run_has_no_span_and_its_children_have_its_parent(runs: TracedRuns, recording: Recording) -> None:
    runs.begin_step({"id": 1}, _link, "in")
    runs.begin_step({"id": 2, "parent_id": 1, "is_hidden": True}, _link, "in")
    runs.begin_step({"id": 3, "parent_id": 2}, _link, "in")
    for run_id in (3, 2, 1):
        runs.end(run_id)
    child, root = recording.spans
    assert child.parent and root.context and child.parent.span_id == root.context.span_id


def test_an_error_ends_a_run_with_what_it_had(runs: TracedRuns, recording: Recording) -> None:
    runs.begin_step({"id": 1}, _link, "in")
    runs.fail(1, ValueError("no"), "half")
    assert recording.attributes[names.STEP_OUTPUT] == "half"
    assert recording.attributes[names.ERROR_TYPE] == "ValueError"


@pytest.mark.parametrize(("error", "result"), [(Redirected(("why?",)), '["why?"]'), (RedirectedTwice("why?"), None)])
def test_a_run_that_the_framework_redirects_has_not_failed(
    runs: TracedRuns, recording: Recording, error: Exception, result: str | None
) -> None:
    runs.begin_step({"id": 1}, _link, "in")
    runs.fail(1, error)
    assert recording.span.status.status_code is StatusCode.UNSET
    assert recording.attributes.get(names.STEP_OUTPUT) == result


def test_a_kind_that_cannot_be_told_costs_the_span_not_its_children(runs: TracedRuns, recording: Recording) -> None:
    def broken() -> Kind:
        raise ValueError("odd")

    runs.begin_step({"id": 1}, broken, "in")
    runs.begin_step({"id": 2, "parent_id": 1}, _link, "in")
    runs.end(2)
    runs.end(1)
    assert recording.span.name == "parser"


@pytest.mark.parametrize(
    ("parent_id", "name"), [(None, names.TRACE_TAGS), (1, names.STEP_METADATA + "tags")], ids=["root", "child"]
)
def test_a_roots_tags_are_the_traces(parent_id: int | None, name: str) -> None:
    run = Run(2, parent_id, {"langfuse_tags": ["b"], "langfuse_prompt": object(), 3: True}, ["a"], conversation=7)
    assert run.attributes == {
        name: ["a", "b"],
        names.CONVERSATION_ID: "7",
        f"{names.STEP_METADATA}3": True,
    }
    assert run.prompt is None


def test_only_a_prompt_is_linked() -> None:
    class Prompt:
        name, version = "greeting", 2

    told: Told = {"langfuse_prompt": Prompt()}
    assert Run(1, metadata=told).prompt is told["langfuse_prompt"]
