"""Scores in, scores out (langfuse-api.md, sections 2 and 5.2)."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

SCORES = "/api/public/scores"
V3 = "/api/public/v3/scores"
AT = "2026-11-21T06:00:00.000Z"


def post(client: TestClient, **fields: Any) -> Any:
    return client.post(SCORES, json={"name": "quality", "value": 0.5, "traceId": "t1", **fields})


def listed(client: TestClient, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(V3, params=query)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


def ids(client: TestClient, **query: Any) -> set[str]:
    return {score["id"] for score in listed(client, **query)}


def test_one_score_is_answered_with_its_id(client: TestClient) -> None:
    assert post(client, id="s1").json() == {"id": "s1"}
    made = post(client)
    assert made.status_code == 200
    assert made.json()["id"] in ids(client)


def test_the_core_fields_are_always_there_and_groups_add_to_them(client: TestClient) -> None:
    post(client, id="s1", timestamp=AT, environment="prod", comment="fine", metadata={"a": [1]}, configId="c")
    (score,) = listed(client)
    assert score.pop("createdAt") == score.pop("updatedAt")
    assert score == {
        "id": "s1",
        "projectId": "local",
        "name": "quality",
        "value": 0.5,
        "dataType": "NUMERIC",
        "source": "API",
        "timestamp": AT,
        "environment": "prod",
    }
    (score,) = listed(client, fields="details,subject,annotation")
    added = ("comment", "configId", "metadata", "subject", "authorUserId", "queueId")
    assert {key: score[key] for key in added} == {
        "comment": "fine",
        "configId": "c",
        "metadata": {"a": [1]},
        "subject": {"kind": "trace", "id": "t1"},
        "authorUserId": None,
        "queueId": None,
    }


@pytest.mark.parametrize(
    ("fields", "data_type", "value"),
    [
        ({"value": 3}, "NUMERIC", 3),
        ({"value": "good"}, "CATEGORICAL", "good"),
        ({"value": 1, "dataType": "BOOLEAN"}, "BOOLEAN", True),
        ({"value": 0, "dataType": "BOOLEAN"}, "BOOLEAN", False),
        ({"value": "x" * 500, "dataType": "TEXT"}, "TEXT", "x" * 500),
        ({"value": "better", "dataType": "CORRECTION"}, "CORRECTION", "better"),
    ],
)
def test_the_value_is_what_its_data_type_says(
    client: TestClient, fields: dict[str, Any], data_type: str, value: Any
) -> None:
    assert post(client, **fields).status_code == 200
    (score,) = listed(client)
    assert (score["dataType"], score["value"], type(score["value"])) == (
        data_type,
        value,
        float if data_type == "NUMERIC" else type(value),
    )


def test_a_correction_is_always_called_output(client: TestClient) -> None:
    post(client, value="better", dataType="CORRECTION")
    assert [score["name"] for score in listed(client)] == ["output"]


@pytest.mark.parametrize(
    ("fields", "issue"),
    [
        ({"value": "x", "dataType": "NUMERIC"}, "value: a NUMERIC score has a number"),
        ({"value": 2, "dataType": "BOOLEAN"}, "value: a BOOLEAN score is 0 or 1"),
        ({"value": 1, "dataType": "CATEGORICAL"}, "value: a CATEGORICAL score has a text"),
        ({"value": 1, "dataType": "CORRECTION"}, "value: a CORRECTION score has a text"),
        ({"value": "", "dataType": "TEXT"}, "value: a TEXT score has 1 to 500 characters"),
        ({"value": "x" * 501, "dataType": "TEXT"}, "value: a TEXT score has 1 to 500 characters"),
        ({"value": "x", "dataType": "CORRECTION", "configId": "c"}, "configId: a CORRECTION has none"),
        ({"value": True}, "Expected `float | str`"),
        ({"value": None}, "Expected `float | str`"),
        ({"name": ""}, "$.name"),
        ({"dataType": "numeric"}, "$.dataType"),
        ({"source": "ME"}, "$.source"),
        ({"timestamp": "yesterday"}, "Invalid ISO datetime"),
        ({"timestamp": "2026-11-21T06:00:00"}, "Invalid ISO datetime"),
        ({"traceId": None}, "exactly one of traceId"),
        ({"sessionId": "s"}, "exactly one of traceId"),
        ({"traceId": None, "sessionId": "s", "observationId": "o"}, "observationId needs traceId"),
        ({"traceId": None, "datasetRunId": "r"}, "this server keeps no dataset runs"),
    ],
)
def test_a_score_that_breaks_a_rule_is_refused_with_the_reason(
    client: TestClient, fields: dict[str, Any], issue: str
) -> None:
    answer = post(client, **fields)
    assert answer.status_code == 400
    assert answer.json()["message"] == "Invalid request data"
    assert issue in answer.json()["error"][0]["message"]
    assert not listed(client)


def test_environment_and_metadata_are_made_to_fit(client: TestClient) -> None:
    post(client, environment="Prod EU", metadata="text")
    (score,) = listed(client, fields="details")
    assert (score["environment"], score["metadata"]) == ("default", {"metadata": "text"})


def test_the_same_id_updates_and_keeps_what_is_left_out(client: TestClient) -> None:
    post(client, id="s1", timestamp=AT, environment="a", comment="kept", metadata={"a": 1}, source="EVAL")
    post(client, id="s1", value=0.9, traceId="t2", environment="b", timestamp="2026-01-01T00:00:00Z", metadata={"b": 2})
    (score,) = listed(client, fields="details,subject")
    kept = {"timestamp": AT, "environment": "a", "comment": "kept", "source": "EVAL"}
    assert {key: score[key] for key in kept} == kept
    assert (score["subject"]["id"], score["value"], score["metadata"]) == ("t1", 0.9, {"b": 2})
    post(client, id="s1", comment=None)
    assert listed(client, fields="details")[0]["comment"] is None


def test_an_array_is_accepted_with_202(client: TestClient) -> None:
    answer = client.post(SCORES, json=[{"id": f"s{n}", "name": "a", "value": n, "traceId": "t"} for n in range(3)])
    assert (answer.status_code, answer.json()) == (202, {"message": "Accepted"})
    assert ids(client) == {"s0", "s1", "s2"}
    assert client.post(SCORES, json=[]).status_code == 202


def test_an_array_with_bad_ones_stores_the_good_ones_and_says_which_with_207(client: TestClient) -> None:
    good = {"id": "good", "name": "a", "value": 1, "traceId": "t"}
    answer = client.post(SCORES, json=[good, {**good, "value": None}, 7])
    assert answer.status_code == 207
    body = answer.json()
    assert (body["accepted"], body["rejected"]) == (1, 2)
    assert [error["message"][:8] for error in body["errors"]] == ["Score 1:", "Score 2:"]
    assert ids(client) == {"good"}


def test_bodies_are_bounded_and_must_be_json(client: TestClient) -> None:
    assert client.post(SCORES, content=b"{").status_code == 400
    assert client.post(SCORES, json="text").status_code == 400
    assert post(client, comment="x" * 2**20).status_code == 413


@pytest.fixture
def several(client: TestClient) -> TestClient:
    for fields in (
        {"id": "n", "value": 0.5, "timestamp": "2026-11-21T06:00:00Z", "environment": "a", "configId": "c"},
        {"id": "b", "value": 1, "dataType": "BOOLEAN", "timestamp": "2026-11-21T07:00:00Z", "observationId": "o"},
        {"id": "c", "value": "good", "timestamp": "2026-11-21T08:00:00Z", "name": "verdict", "source": "EVAL"},
        {"id": "s", "value": 5, "timestamp": "2026-11-21T09:00:00Z", "traceId": None, "sessionId": "s1"},
    ):
        assert post(client, **fields).status_code == 200
    return client


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "nbcs"),
        ({"id": "n,c"}, "nc"),
        ({"name": "verdict"}, "c"),
        ({"source": "eval"}, "c"),
        ({"dataType": "numeric,BOOLEAN"}, "nbs"),
        ({"environment": "a"}, "n"),
        ({"configId": "c"}, "n"),
        ({"traceId": "t1"}, "nbc"),
        ({"traceId": "t1", "observationId": "o"}, "b"),
        ({"sessionId": "s1"}, "s"),
        ({"experimentId": "e"}, ""),
        ({"queueId": "q"}, ""),
        ({"authorUserId": "u"}, ""),
        ({"dataType": "NUMERIC", "value": "5,7"}, "s"),
        ({"dataType": "BOOLEAN", "value": "true"}, "b"),
        ({"dataType": "BOOLEAN", "value": "false"}, ""),
        ({"dataType": "CATEGORICAL", "value": "good"}, "c"),
        ({"dataType": "NUMERIC", "valueMin": 0.5, "valueMax": 4}, "n"),
        ({"fromTimestamp": "2026-11-21T07:00:00Z", "toTimestamp": "2026-11-21T09:00:00Z"}, "bc"),
    ],
)
def test_filters(several: TestClient, query: dict[str, Any], expected: str) -> None:
    assert ids(several, **query) == set(expected)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 101},
        {"fields": "everything"},
        {"observationId": "o"},
        {"traceId": "t", "sessionId": "s"},
        {"value": "1"},
        {"value": "1", "dataType": "NUMERIC,BOOLEAN"},
        {"value": "x", "dataType": "TEXT"},
        {"value": "nan", "dataType": "NUMERIC"},
        {"value": "1", "dataType": "BOOLEAN"},
        {"valueMin": 1},
        {"valueMax": 1, "dataType": "BOOLEAN"},
        {"dataType": "COLOUR"},
        {"cursor": "nonsense"},
    ],
)
def test_questions_that_make_no_sense_are_refused(several: TestClient, query: dict[str, Any]) -> None:
    assert several.get(V3, params=query).status_code == 400


def test_pages_follow_the_cursor_newest_first(several: TestClient) -> None:
    first = several.get(V3, params={"limit": 3}).json()
    assert [score["id"] for score in first["data"]] == ["s", "c", "b"]
    assert first["meta"]["limit"] == 3
    post(several, id="newer", timestamp="2026-11-22T00:00:00Z")
    last = several.get(V3, params={"limit": 3, "cursor": first["meta"]["cursor"]}).json()
    assert [score["id"] for score in last["data"]] == ["n"]
    assert last["meta"] == {"limit": 3}


def test_a_score_can_be_deleted_once(client: TestClient) -> None:
    post(client, id="a/b")
    assert client.delete(f"{SCORES}/a%2Fb").status_code == 202
    assert not listed(client)
    assert client.delete(f"{SCORES}/a%2Fb").status_code == 404


def test_langfuses_own_client_understands_the_answers(several: TestClient) -> None:
    api_module = pytest.importorskip("langfuse.api")
    api = api_module.LangfuseAPI(base_url="http://testserver", httpx_client=several)
    request = api_module.CreateScoreRequest
    accepted = api.scores.create(request=[request(id="t", name="a", value="text", data_type="TEXT", trace_id="t1")])
    assert accepted.message == "Accepted"
    mixed = api.scores.create(request=[request(name="a", value=1, trace_id="t"), request(name="", value=1)])
    assert (mixed.accepted, mixed.rejected) == (1, 1)
    post(several, id="k", value="better", dataType="CORRECTION")
    found = {score.id: score for score in api.scores.get_many(fields="details,subject,annotation").data}
    assert (found["b"].value, found["n"].value, found["c"].value, found["t"].value, found["k"].value) == (
        True, 0.5, "good", "text", "better",
    )  # fmt: skip
    assert (found["b"].subject.kind, found["b"].subject.trace_id) == ("observation", "t1")
    api.scores.delete("b")
    assert "b" not in {score.id for score in api.scores.get_many().data}
