"""Observations by hand: what is said of them, how they nest and end."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone

import pytest

from langfuse_otel.provenance import PromptRef
from langfuse_otel.tracing import current_observation, event, generation, span
from support.told import Told

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


class Unshowable:
    def __str__(self) -> str:
        raise ValueError("no")

    __repr__ = __str__


def test_a_generation_says_all_that_it_is_given(told: Told) -> None:
    call = generation(
        "answer",
        model="in-house-7b",
        model_parameters={"temperature": 0.2},
        input=[{"role": "user", "content": "hi"}],
        metadata={"tries": 2, "region": "eu"},
        version="v3",
        prompt=PromptRef("greeting", 4),
        completion_start_time=NOON,
    )
    call.end(output={"role": "assistant", "content": "hello"}, usage={"input": 3, "output": 2}, cost={"total": 0.01})

    seen = told.one
    assert (seen.type, seen.name, seen.model) == ("generation", "answer", "in-house-7b")
    assert seen.model_parameters == {"temperature": 0.2}
    assert seen.input == '[{"role":"user","content":"hi"}]'  # the server shows JSON as what it says
    assert seen.output == '{"role":"assistant","content":"hello"}'
    assert seen.usage is not None
    assert (seen.usage["input"], seen.usage["output"]) == (3, 2)
    assert seen.cost == {"total": 0.01}
    assert (seen.prompt_name, seen.prompt_version, seen.version) == ("greeting", 4, "v3")
    assert seen.completion_start_ns == int(NOON.timestamp()) * 10**9
    assert {key: seen.metadata[key] for key in ("tries", "region")} == {"tries": 2, "region": "eu"}


@pytest.mark.parametrize("kind", ["span", "agent", "tool", "chain", "retriever", "embedding", "evaluator", "guardrail"])
def test_a_step_has_the_type_it_is_given(kind: str, told: Told) -> None:
    span("step", type=kind).end()  # type: ignore[arg-type]
    assert told.one.type == kind


def test_blocks_nest_and_what_is_begun_without_one_is_nobodys_parent(told: Told) -> None:
    with span("outer") as outer:
        aside = span("aside")
        event("something")
        aside.end()
    inner, beside, parent = told.all

    assert (inner.type, inner.name) == ("event", "something")
    assert [inner.parent_span_id, beside.parent_span_id, parent.parent_span_id] == [outer.id, outer.id, None]
    assert {told_.trace_id for told_ in told.all} == {outer.trace_id}


def test_an_exception_passes_through_and_is_told(told: Told) -> None:
    with pytest.raises(KeyError), span("step"):
        raise KeyError("colour")
    assert (told.one.level, told.one.status_message) == ("ERROR", "KeyError: 'colour'")


def test_an_exception_without_a_text_passes_through_too(told: Told) -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise ValueError("no")

    with pytest.raises(Silent), span("step"):
        raise Silent
    assert (told.one.level, told.one.status_message) == ("ERROR", "Silent")


def test_it_ends_with_an_error_that_was_no_exception(told: Told) -> None:
    generation("answer").end(error="refused by policy")
    assert (told.one.level, told.one.status_message) == ("ERROR", "refused by policy")


def test_only_the_first_end_counts(told: Told) -> None:
    call = generation("answer")
    call.end(output="first")
    call.end(output="second")
    assert told.one.output == "first"


def test_a_value_that_cannot_be_shown_raises_nothing(told: Told) -> None:
    span("step", input=Unshowable(), metadata={"x": {1: object()}}).update(output={Unshowable}).end()
    assert told.one.input is not None


def test_an_unknown_field_is_a_mistake_in_the_code() -> None:
    with pytest.raises(TypeError, match="colour"):
        span("step", colour="red")  # type: ignore[call-arg]


def test_times_may_be_given(told: Told) -> None:
    span("step", start_time=NOON).end(end_time=NOON + timedelta(seconds=2))
    assert told.one.end_ns - told.one.start_ns == 2_000_000_000
    assert told.one.start_ns == int(NOON.timestamp()) * 10**9


def test_more_can_be_said_of_the_current_one_from_afar(told: Told) -> None:
    def deep_inside() -> None:
        current_observation().update(metadata={"cache": "hit"})

    with span("step"):
        deep_inside()
    assert told.one.metadata["cache"] == "hit"


def test_outside_of_any_what_is_said_is_forgotten() -> None:
    current_observation().update(output="x")


def test_async_blocks_of_concurrent_tasks_keep_apart(told: Told) -> None:
    async def work(name: str) -> None:
        async with span(name) as outer:
            await asyncio.sleep(0)
            with span(f"{name} inside") as inner:
                await asyncio.sleep(0)
            assert inner.trace_id == outer.trace_id

    async def main() -> None:
        await asyncio.gather(*(work(name) for name in "abc"))

    asyncio.run(main())
    parents = {one.name: one.parent_span_id for one in told.all}
    ids = {one.name: one.span_id for one in told.all}
    assert all(parents[f"{name} inside"] == ids[name] for name in "abc")
