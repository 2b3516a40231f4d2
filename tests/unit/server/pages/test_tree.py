from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.server.pages.tree import MAX_DRAWN_DEPTH, Row, rows
from langfuse_otel.server.records import Observation


def one(key: str, parent: str | None = None, start: int = 0, end: int | None = 0, **more: object) -> Observation:
    return Observation(trace_id="t", id=key, parent_id=parent, start_ms=start, end_ms=end, **more)  # type: ignore[arg-type]


def shape(found: list[Row]) -> list[tuple[str, int]]:
    return [(row.observation.id, row.depth) for row in found]


def test_children_follow_their_parent_in_the_order_given() -> None:
    found = rows([one("root"), one("a", "root"), one("b", "root"), one("a1", "a"), one("b1", "b")])
    assert shape(found) == [("root", 0), ("a", 1), ("a1", 2), ("b", 1), ("b1", 2)]
    assert [row.has_children for row in found] == [True, True, False, True, False]


def test_a_line_goes_on_below_a_row_as_long_as_siblings_follow() -> None:
    found = rows([one("root"), one("a", "root"), one("b", "root"), one("a1", "a")])
    assert {row.observation.id: row.guides for row in found} == {
        "root": (), "a": (True,), "a1": (True, False), "b": (False,),
    }  # fmt: skip


def test_time_is_in_percent_of_the_trace() -> None:
    root, child, streamed = rows(
        [one("r", end=1000), one("c", "r", 250, 750), one("s", "r", 500, 1000, completion_start_ms=600)]
    )
    assert (root.offset, root.width) == (0, 100)
    assert (child.offset, child.width, child.first_token) == (25, 50, None)
    assert streamed.first_token == 20


def test_what_is_too_short_to_be_seen_is_still_drawn_inside() -> None:
    found = rows([one("r", end=100_000), one("last", "r", 100_000, 100_000), one("open", "r", 5, None)])
    assert [(row.offset, row.width) for row in found[1:]] == [(99.5, 0.5), (0.005, 0.5)]


def test_a_trace_without_duration_fills_the_width() -> None:
    assert [(row.offset, row.width) for row in rows([one("event", start=7, end=7)])] == [(0, 100)]


def test_an_observation_whose_parent_is_missing_is_at_the_top_and_says_so() -> None:
    found = rows([one("root"), one("orphan", "gone"), one("child", "orphan")])
    assert shape(found) == [("root", 0), ("orphan", 0), ("child", 1)]
    assert found[1].note == "Its parent gone is not in this trace"


def test_the_root_of_an_application_below_a_foreign_parent_needs_no_note() -> None:
    assert [row.note for row in rows([one("root", "gateway", is_app_root=True)])] == [None]


def test_a_loop_of_parents_hangs_from_its_earliest() -> None:
    found = rows([one("root"), one("a", "c"), one("b", "a"), one("c", "b"), one("tail", "c"), one("self", "self")])
    assert shape(found) == [("root", 0), ("a", 0), ("b", 1), ("c", 2), ("tail", 3), ("self", 0)]
    assert found[1].note == found[5].note == "Its parents go round in a loop"


def test_a_very_deep_trace_is_shown_whole_with_a_bounded_indent() -> None:
    found = rows([one("0"), *(one(str(n), str(n - 1)) for n in range(1, 5000))])
    assert found[-1].depth == 4999
    assert len(found[-1].guides) == MAX_DRAWN_DEPTH


def test_nothing_makes_no_rows() -> None:
    assert rows([]) == []


IDS = st.integers(0, 12).map(str)
TIMES = st.integers(-(10**15), 10**15)


@given(
    st.lists(
        st.builds(
            one, IDS, st.none() | IDS, TIMES, st.none() | TIMES, is_app_root=st.booleans(),
            completion_start_ms=st.none() | TIMES,
        ),
        unique_by=lambda observation: observation.id,
    )
)  # fmt: skip
def test_every_observation_has_exactly_one_row_within_the_bounds(observations: list[Observation]) -> None:
    found = rows(observations)
    assert sorted(row.observation.id for row in found) == sorted(one.id for one in observations)
    for before, row in zip([None, *found], found, strict=False):
        assert row.depth <= (before.depth + 1 if before else 0)
        assert row.offset >= 0 and row.offset + row.width <= 100.01
        assert row.first_token is None or 0 <= row.first_token <= 100
