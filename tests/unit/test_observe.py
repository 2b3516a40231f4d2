"""What the exporter makes of spans before they are encoded."""

from __future__ import annotations

from langfuse_otel.observe import Observer
from langfuse_otel.policy.twins import TWIN_OF
from langfuse_otel.selection import Selection
from langfuse_otel.settings import load
from support.spans import Collector, finished, tracer_into


def test_each_span_becomes_an_observation_in_order() -> None:
    observed = Observer(load({}), Selection())(finished(3))
    assert [observation.name for observation in observed] == ["span 0", "span 1", "span 2"]


def test_environment_and_release_of_the_settings_are_the_last_choice() -> None:
    observe = Observer(load({}, environment="staging", release="r1"), Selection())
    (plain,) = observe(finished())
    (own,) = observe(finished(langfuse_environment="production"))
    assert (plain.environment, plain.release) == ("staging", "r1")
    assert (own.environment, own.release) == ("production", "r1")


def test_two_spans_of_one_call_are_told_once() -> None:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.response.id": "r", "gen_ai.usage.input_tokens": 3}
    collector = Collector()
    with tracer_into(collector) as tracer, tracer.start_as_current_span("outer", attributes=attributes):
        tracer.start_span("inner", attributes=attributes).end()
    told, set_back = Observer(load({}), Selection())(collector.spans)
    assert told.usage == {"input": 3, "total": 3}
    assert (set_back.usage, set_back.metadata[TWIN_OF]) == (None, told.span_id)
