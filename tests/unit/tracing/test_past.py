"""Past traces, told now."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from langfuse_otel.tracing import PastObservation, record, span
from support.told import Told

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def past(name: str, begins_s: float, ends_s: float, *children: PastObservation, **more: object) -> PastObservation:
    return PastObservation(
        name=name,
        start_time=NOON + timedelta(seconds=begins_s),
        end_time=NOON + timedelta(seconds=ends_s),
        children=children,
        **more,  # type: ignore[arg-type]
    )


def test_a_tree_is_told_with_its_times(told: Told) -> None:
    call = past("call", 1, 3, type="generation", fields={"model": "m", "usage": {"input": 1}}, error="refused")
    (trace_id,) = record([past("request", 0, 4, call)])

    child, root = told.all
    assert (root.parent_span_id, child.parent_span_id) == (None, root.span_id)
    assert {root.trace_id, child.trace_id} == {trace_id}
    assert (child.type, child.model, child.level) == ("generation", "m", "ERROR")
    assert (child.end_ns - child.start_ns, root.end_ns - root.start_ns) == (2 * 10**9, 4 * 10**9)


def test_each_root_is_a_trace_of_its_own_wherever_it_is_told(told: Told) -> None:
    with span("now") as now:
        ids = record([past("one", 0, 1), past("two", 0, 1)])
    assert len({now.trace_id, *ids}) == 3
    assert [one.parent_span_id for one in told.all] == [None, None, None]
