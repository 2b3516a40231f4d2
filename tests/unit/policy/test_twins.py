"""Two spans of one call are billed once, and tell together what either knew."""

from __future__ import annotations

from typing import Any

import msgspec
from opentelemetry.sdk.resources import Resource

from langfuse_otel.observation import Observation
from langfuse_otel.policy.twins import TWIN_OF, Twins

USAGE = {"input": 10, "output": 5, "total": 15}


def call(span_id: str, response_id: str | None = "resp-1", trace_id: str = "t", **fields: Any) -> Observation:
    metadata = {} if response_id is None else {"gen_ai.response.id": response_id}
    defaults: dict[str, Any] = {"type": "generation", "model": "m", "usage": USAGE, "cost": {"total": 0.5}}
    return Observation(
        trace_id=trace_id,
        span_id=span_id,
        name=span_id,
        start_ns=1,
        end_ns=2,
        metadata=metadata,
        resource=Resource({}),
        **{**defaults, **fields},
    )


def billed(observations: list[Observation]) -> list[str]:
    return [observation.span_id for observation in observations if observation.usage or observation.cost]


def test_the_one_with_content_tells_the_call() -> None:
    inner, outer = Twins().tell_once([call("inner"), call("outer", input="hi", output="ho")])
    assert billed([inner, outer]) == ["outer"]
    assert (inner.type, inner.model, inner.usage, inner.cost) == ("span", None, None, None)
    assert inner.metadata[TWIN_OF] == "outer"
    assert inner.metadata["langfuse_otel.usage"] == USAGE
    assert TWIN_OF not in outer.metadata


def test_it_gets_what_only_the_other_knows() -> None:
    content = call("content", usage=None, cost=None, input="hi", output="ho")
    numbers = call("numbers", completion_start_ns=7)
    told = Twins().tell_once([numbers, content])[1]
    assert (told.usage, told.cost, told.completion_start_ns) == (USAGE, {"total": 0.5}, 7)


def test_a_call_goes_before_the_agent_that_repeats_its_usage() -> None:
    chat, agent = Twins().tell_once([call("chat"), call("agent", type="agent", input="hi", output="ho")])
    assert billed([chat, agent]) == ["chat"]
    assert agent.type == "agent"
    assert agent.input == "hi"


def test_a_twin_that_comes_in_a_later_batch_is_set_back() -> None:
    twins = Twins()
    first = twins.tell_once([call("first")])
    later = twins.tell_once([call("later", input="hi")])
    assert billed(first + later) == ["first"]
    assert later[0].input == "hi"


def test_the_same_span_again_is_still_the_call() -> None:
    twins = Twins()
    twins.tell_once([call("first")])
    assert billed(twins.tell_once([call("first")])) == ["first"]


def test_other_calls_are_left_alone() -> None:
    given = [
        call("a", "resp-1"),
        call("b", "resp-2"),
        call("c", None),
        call("d", None),
        call("e", "resp-1", trace_id="another"),
        call("fetch", type="span", usage=None, cost=None),
    ]
    assert Twins().tell_once(given) == given


def test_what_it_remembers_is_bounded() -> None:
    twins = Twins()
    twins.tell_once(call(str(n), f"resp-{n}") for n in range(2_000))
    assert billed(twins.tell_once([call("late", "resp-0"), call("soon", "resp-1999")])) == ["late"]


def test_googles_adk_tells_twins_by_its_event() -> None:
    inner, outer = (
        msgspec.structs.replace(call(span_id, None), metadata={"gcp.vertex.agent.event_id": "e1"})
        for span_id in ("generate_content", "call_llm")
    )
    assert len(billed(Twins().tell_once([inner, outer]))) == 1
