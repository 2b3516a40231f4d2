"""Runs and steps of a framework that calls back."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry.trace import StatusCode

from langfuse_otel.instrumentation import Endpoint, Server
from langfuse_otel.instrumentation.abandoned import abandoned_streams
from langfuse_otel.instrumentation.call import Current, Telemetry, begin
from langfuse_otel.instrumentation.content import ContentPolicy
from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.instrumentation.frameworks import step_kinds
from langfuse_otel.instrumentation.frameworks.called_back import CalledBack
from langfuse_otel.instrumentation.frameworks.steps import Kind, Step
from langfuse_otel.instrumentation.metrics import Metrics
from langfuse_otel.instrumentation.runs import Runs, Unseen
from langfuse_otel.provenance import PromptRef

ENDPOINT = Endpoint(
    operation="chat",
    server=lambda _: Server("echo_inc"),
    request=lambda given: {"asked": given["text"]},
    response=lambda response: {"answered": response},
)


class Framework:
    """Begins runs as a handler of callbacks does."""

    def __init__(self, recording: Recording, content: ContentPolicy) -> None:
        metrics = Metrics(recording.meter_provider.get_meter("test"))
        self.telemetry = Telemetry(recording.tracer_provider.get_tracer("test"), metrics, content)
        self.runs: Runs[Any] = Runs()

    def step(self, run_id: str, parent_id: str | None = None) -> Step:
        with Current(self.runs.context_below(parent_id)):
            kind = Kind(run_id, {}, lambda given: {"in": given}, lambda result: {"out": result})
            step = Step(self.telemetry, kind)
        self.runs.add(run_id, step)
        return step

    def call(self, run_id: str, parent_id: str | None = None) -> CalledBack:
        with Current(self.runs.context_below(parent_id)):
            called = CalledBack.begin(ENDPOINT, self.telemetry, {"text": run_id, "model": run_id})
        assert called is not None
        self.runs.add(run_id, called)
        return called


@pytest.fixture
def recording() -> Recording:
    return Recording()


@pytest.fixture
def framework(recording: Recording) -> Framework:
    return Framework(recording, ContentPolicy())


def test_the_parent_is_the_one_that_is_named_not_the_current_span(framework: Framework, recording: Recording) -> None:
    framework.step("a")
    with Current(framework.step("b").context):
        framework.step("c", "a")
    for run_id in "cba":
        framework.runs.end(run_id)
    spans = {span.name: span for span in recording.spans}
    assert spans["c"].parent and spans["a"].context
    assert spans["c"].parent.span_id == spans["a"].context.span_id
    assert len(framework.runs) == 0


def test_children_of_an_unseen_run_hang_below_its_parent(framework: Framework, recording: Recording) -> None:
    step = framework.step("a")
    framework.runs.add("hidden", Unseen(step.context))
    framework.step("b", "hidden")
    for run_id in ("b", "hidden", "a"):
        framework.runs.end(run_id)
    inner, outer = recording.spans
    assert inner.parent and outer.context
    assert inner.parent.span_id == outer.context.span_id


def test_an_end_without_a_start_is_nothing(framework: Framework) -> None:
    framework.runs.end("never begun")


def test_a_call_has_the_times_of_its_chunks_and_its_outcome(framework: Framework, recording: Recording) -> None:
    called = framework.call("m")
    called.chunk(has_content=False)
    called.chunk(has_content=True)
    framework.runs.end("m", "hello")
    assert recording.attributes["asked"] == "m"
    assert recording.attributes["answered"] == "hello"
    assert recording.attributes["gen_ai.response.time_to_first_chunk"] > 0


def test_a_call_inside_a_call_is_silent_and_inside_a_step_is_not(framework: Framework) -> None:
    step, called = framework.step("a"), framework.call("m")
    for run, is_traced in ((step, True), (called, False)):
        with Current(run.context):
            assert (begin(ENDPOINT, framework.telemetry, None, {"text": ""}) is not None) is is_traced


@pytest.mark.parametrize("kind", ["step", "call"])
def test_an_error_is_told(framework: Framework, recording: Recording, kind: str) -> None:
    getattr(framework, kind)("a")
    framework.runs.end("a", None, KeyError("no"))
    assert recording.attributes["error.type"] == "KeyError"
    assert recording.span.status.status_code is StatusCode.ERROR


@pytest.mark.parametrize("kind", ["step", "call"])
def test_a_closed_generator_is_no_error(framework: Framework, recording: Recording, kind: str) -> None:
    getattr(framework, kind)("a")
    framework.runs.end("a", "half", GeneratorExit())
    assert recording.span.status.status_code is StatusCode.UNSET
    assert "half" in recording.attributes.values()


@pytest.mark.parametrize("kind", ["step", "call"])
def test_one_that_the_cyclic_collector_closes_ends_after_it(
    framework: Framework, recording: Recording, kind: str
) -> None:
    class Cycle:
        def __del__(self) -> None:
            framework.runs.end("a", "half", GeneratorExit())
            ended_within.append(len(recording.spans))

    ended_within: list[int] = []
    getattr(framework, kind)("a")
    cycle = Cycle()
    cycle.itself = cycle  # type: ignore[attr-defined]
    del cycle
    gc.collect()
    abandoned_streams.end_waiting()
    assert ended_within == [0]
    assert recording.span.status.status_code is StatusCode.UNSET


def test_runs_that_are_never_ended_are_bounded_and_ended_as_abandoned(recording: Recording) -> None:
    framework = Framework(recording, ContentPolicy())
    framework.runs = Runs(max_open=2)
    for number in range(5):
        framework.step(str(number))
    assert len(framework.runs) == 2
    assert [(span.name, (span.attributes or {})["error.type"]) for span in recording.spans] == [
        ("0", "_OTHER"),
        ("1", "_OTHER"),
        ("2", "_OTHER"),
    ]


def test_a_run_ends_once(framework: Framework, recording: Recording) -> None:
    step = framework.step("a")
    framework.runs.end("a")
    step.end_abandoned()
    assert recording.span.status.status_code is StatusCode.UNSET


def test_content_is_recorded_as_the_policy_says(framework: Framework, recording: Recording) -> None:
    framework.step("a").begin({"q": 1})
    framework.runs.end("a", "plain text")
    assert json.loads(recording.attributes["in"]) == {"q": 1}
    assert recording.attributes["out"] == "plain text"


@pytest.mark.parametrize(
    ("policy", "recorded"), [(ContentPolicy(capture=False), None), (ContentPolicy(mask=lambda _: "masked"), "masked")]
)
def test_no_content_and_masked_content(recording: Recording, policy: ContentPolicy, recorded: str | None) -> None:
    framework = Framework(recording, policy)
    framework.step("a").begin("secret")
    framework.runs.end("a", "secret")
    assert recording.attributes.get("in") == recording.attributes.get("out") == recorded


def test_a_reading_that_raises_costs_its_attributes(recording: Recording, framework: Framework) -> None:
    def fail(_: Any) -> dict[str, Any]:
        raise LookupError

    step = Step(framework.telemetry, Kind("a", {}, fail, fail), {"kept": 1})
    step.begin("x")
    step.end("y")
    assert recording.attributes == {"kept": 1}


def test_a_prompt_is_linked_to_the_calls_below_a_run(framework: Framework, recording: Recording) -> None:
    framework.step("a")
    framework.runs.use_prompt("a", PromptRef("greeting", 2))
    framework.runs.use_prompt("unknown", PromptRef("other", 1))
    framework.call("m", "a")
    framework.runs.end("m", "hello")
    assert recording.attributes["gen_ai.prompt.name"] == "greeting"
    assert otel_context.get_current() == {}


def test_what_cannot_be_begun_is_known_to_its_children(framework: Framework, recording: Recording) -> None:
    def fail() -> Any:
        raise LookupError

    step = framework.step("a")
    framework.runs.begin("broken", "a", fail)
    assert framework.runs.context_below("broken") == step.context
    framework.step("b", "broken")
    for run_id in ("b", "broken", "a"):
        framework.runs.end(run_id)
    inner, outer = recording.spans
    assert inner.parent and outer.context
    assert inner.parent.span_id == outer.context.span_id


def test_nothing_is_begun_where_instrumentation_is_suppressed(framework: Framework) -> None:
    token = otel_context.attach(otel_context.set_value("suppress_instrumentation", True))
    try:
        framework.runs.begin("a", None, lambda: pytest.fail("was begun"))
    finally:
        otel_context.detach(token)
    assert isinstance(framework.runs.get("a"), Unseen)


def test_the_prompt_of_a_run_is_that_of_its_later_siblings(framework: Framework, recording: Recording) -> None:
    framework.step("a")
    framework.runs.begin("template", "a", lambda: None, PromptRef("greeting", 2))
    framework.call("m", "a")
    framework.runs.end("m", "hello")
    assert recording.attributes["gen_ai.prompt.name"] == "greeting"


@pytest.mark.parametrize("error", [None, KeyError("no")])
def test_the_duration_of_tools_and_agents_is_a_metric(
    framework: Framework, recording: Recording, error: BaseException | None
) -> None:
    for kind in (step_kinds.tool("weather", str), step_kinds.link("parser", str)):
        Step(framework.telemetry, kind).end("sunny", error)
    assert list(recording.metrics()) == ["gen_ai.execute_tool.duration"]
    (point,) = recording.metrics()["gen_ai.execute_tool.duration"]
    assert (point.attributes or {}).get("error.type") == (error and "KeyError")
