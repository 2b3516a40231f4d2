"""Trace fields travel with the context, and with baggage when asked."""

from __future__ import annotations

import asyncio
import logging

import pytest
from opentelemetry import baggage, context
from opentelemetry.sdk.trace import TracerProvider

from langfuse_otel.context import TraceFields, current_trace_fields, propagate_attributes, span_attributes


def test_nothing_is_set_outside_a_block() -> None:
    assert current_trace_fields() == TraceFields()
    assert span_attributes(current_trace_fields()) == {}


def test_nested_blocks_unite_tags_merge_metadata_and_replace_the_rest() -> None:
    with propagate_attributes(user_id="u", tags=["a", "b"], metadata={"x": 1, "y": 2}):
        with propagate_attributes(user_id="v", session_id="s", tags=["b", "c"], metadata={"y": 3}):
            fields = current_trace_fields()
        outer = current_trace_fields()
    assert (fields.user_id, fields.session_id, fields.tags) == ("v", "s", ("a", "b", "c"))
    assert fields.metadata == {"x": "1", "y": "3"}
    assert (outer.user_id, outer.session_id) == ("u", None)
    assert current_trace_fields() == TraceFields()


def test_they_become_the_attributes_that_langfuse_reads() -> None:
    with propagate_attributes(user_id="u", session_id="s", trace_name="t", version="1", release="r", environment="e",
                              tags=("a",), metadata={"k": "v"}, public=True):  # fmt: skip
        attributes = span_attributes(current_trace_fields())
    assert attributes == {
        "user.id": "u",
        "session.id": "s",
        "langfuse.trace.name": "t",
        "langfuse.version": "1",
        "langfuse.release": "r",
        "langfuse.environment": "e",
        "langfuse.trace.tags": ("a",),
        "langfuse.trace.public": True,
        "langfuse.trace.metadata.k": "v",
    }


def test_the_current_span_gets_them_too() -> None:
    with TracerProvider().get_tracer("t").start_as_current_span("s") as span, propagate_attributes(user_id="u"):
        assert span.attributes["user.id"] == "u"  # type: ignore[attr-defined]


def test_it_decorates_functions_and_coroutines() -> None:
    @propagate_attributes(user_id="u")
    def sync() -> str | None:
        return current_trace_fields().user_id

    @propagate_attributes(user_id="u")
    async def coroutine() -> str | None:
        await asyncio.sleep(0)
        return current_trace_fields().user_id

    async def both() -> list[str | None]:
        return await asyncio.gather(coroutine(), coroutine())

    assert sync() == "u"
    assert asyncio.run(both()) == ["u", "u"]


def test_async_with_works() -> None:
    async def run() -> str | None:
        async with propagate_attributes(session_id="s"):
            return current_trace_fields().session_id

    assert asyncio.run(run()) == "s"


@pytest.mark.parametrize("value", ["x" * 201, ""])
def test_a_value_that_langfuse_would_refuse_is_left_out_with_a_warning(
    value: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), propagate_attributes(user_id=value, session_id="s"):
        assert current_trace_fields() == TraceFields(session_id="s")


def test_a_value_whose_str_raises_is_left_out() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

    with propagate_attributes(metadata={"k": Broken(), "l": 1}):
        assert current_trace_fields().metadata == {"l": "1"}


def test_baggage_carries_them_only_when_asked() -> None:
    with propagate_attributes(user_id="u"):
        assert not baggage.get_all()
    with propagate_attributes(user_id="u", tags=["a", "b"], metadata={"k": "v"}, as_baggage=True):
        remote = dict(baggage.get_all())
    assert remote == {"langfuse_user_id": "u", "langfuse_tags": "a,b", "langfuse_metadata_k": "v"}


def test_what_arrives_as_baggage_is_used_but_does_not_win() -> None:
    ctx = context.Context()
    for key, value in {
        "langfuse_user_id": "remote",
        "langfuse_session_id": "remote",
        "langfuse_tags": "a",
        "langfuse_host": "http://evil",
        "langfuse_version": "x" * 300,
        "other": "1",
    }.items():
        ctx = baggage.set_baggage(key, value, ctx)
    token = context.attach(ctx)
    try:
        with propagate_attributes(user_id="local"):
            fields = current_trace_fields()
    finally:
        context.detach(token)
    assert fields == TraceFields(user_id="local", session_id="remote", tags=("a",))
