from __future__ import annotations

from langfuse_otel.server.pages.detail import Entry, Group, Units, detail, metadata_groups, units
from langfuse_otel.server.records import Observation, Score


def score(name: str, observation_id: str | None) -> Score:
    return Score(
        id=name, name=name, value=1, string_value=None, data_type="NUMERIC", source="API", timestamp_ms=0,
        environment="default", trace_id="t", observation_id=observation_id, session_id=None, comment=None,
        config_id=None, metadata={}, created_ms=0, updated_ms=0,
    )  # fmt: skip


def test_usage_and_cost_stand_side_by_side_with_the_total_last() -> None:
    assert units({"total": 9, "zeta": 1, "output": 3, "input": 5}, {"input": 0.5, "alpha": 0.1}) == [
        Units("input", 5, 0.5), Units("output", 3, None), Units("alpha", None, 0.1), Units("zeta", 1, None),
        Units("total", 9, None),
    ]  # fmt: skip


def test_metadata_of_the_application_comes_before_what_ingestion_added() -> None:
    found = metadata_groups({"attributes": {"a": "1"}, "plan": {"x": 1}, "scope": {}, "none": None})
    assert found == [
        Group("Metadata", [Entry("plan", '{\n  "x": 1\n}')], is_added=False),
        Group("Span attributes", [Entry("a", "1")], is_added=True),
    ]


def test_metadata_that_only_has_the_name_of_an_added_one_is_the_applications() -> None:
    assert metadata_groups({"scope": "mine"}) == [Group("Metadata", [Entry("scope", "mine")], is_added=False)]


def test_an_observation_has_its_own_scores_only() -> None:
    scores = [score("mine", "o"), score("theirs", "p"), score("the trace's", None)]
    found = detail(Observation(trace_id="t", id="o", start_ms=0), scores)
    assert [one.name for one in found.scores] == ["mine"]
    assert (found.input, found.output) == (None, None)
