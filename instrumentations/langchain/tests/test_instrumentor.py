"""Registering with LangChain, stepping aside, and leaving no trace."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableLambda, config
from langchain_core.tracers import context

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.instrumentation.runs import Runs, Unseen
from langfuse_otel_langchain import LangChainInstrumentor


def _run(**options: Any) -> None:
    RunnableLambda(lambda given: given).invoke("Hi", options)


def test_uninstrumenting_leaves_no_trace() -> None:
    def state() -> tuple[Any, ...]:
        return len(context._configure_hooks), vars(config)["_set_config_context"], vars(BaseChatModel)["stream"]

    before = state()
    for _ in range(3):
        with Recording().of(LangChainInstrumentor()):
            assert state() != before
        assert state() == before


def test_a_run_that_is_under_way_still_ends_its_span() -> None:
    recording, instrumentor = Recording(), LangChainInstrumentor()
    with recording.of(instrumentor):
        RunnableLambda(lambda given: instrumentor.uninstrument()).invoke("Hi")
    assert recording.span.end_time


class _Foreign(BaseCallbackHandler):
    __module__ = "langfuse.langchain.CallbackHandler"


def test_it_steps_aside_where_another_handler_traces_already(
    recording: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        _run(callbacks=[_Foreign()])
    assert recording.spans == ()
    _run()
    assert len(recording.spans) == 1


def test_it_traces_beside_other_handlers_when_asked_to() -> None:
    with Recording().of(LangChainInstrumentor(), instrument_over_foreign=True) as recording:
        _run(callbacks=[_Foreign()])
    assert len(recording.spans) == 1


def test_handlers_of_the_application_are_no_reason_to_step_aside(recording: Recording) -> None:
    _run(callbacks=[BaseCallbackHandler()])
    assert len(recording.spans) == 1


def test_without_capture_the_steps_record_no_content() -> None:
    with Recording().of(LangChainInstrumentor(), capture_content="NO_CONTENT") as recording:
        _run()
    assert set(recording.attributes) == {"gen_ai.operation.name", "gen_ai.workflow.name"}


def test_the_mask_decides_what_steps_record() -> None:
    with Recording().of(LangChainInstrumentor(), mask=lambda _: "masked") as recording:
        _run()
    assert recording.attributes["langfuse.observation.input"] == "masked"


def test_runs_whose_end_is_never_told_are_bounded() -> None:
    runs: Runs[Unseen] = Runs(max_open=2)
    from opentelemetry.context import Context

    for number in range(5):
        runs.add(number, Unseen(Context()))
    assert len(runs) == 2
