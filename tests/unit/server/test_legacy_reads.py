"""Traces, sessions and observations as before v4 (langfuse-api.md, section 5.4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from langfuse_otel.server.records import Observation
from langfuse_otel.server.store import Store, to_columns, upsert

PUBLIC = "/api/public"

Observe = Callable[..., Observation]


def get(client: TestClient, path: str, **query: Any) -> Any:
    answer = client.get(f"{PUBLIC}{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(client: TestClient, path: str, **query: Any) -> list[str]:
    return [one["id"] for one in get(client, path, **query)["data"]]


@pytest.fixture
def several(client: TestClient, observe: Observe) -> TestClient:
    observe(
        trace_id="t1", id="root", name="question", user_id="u1", session_id="s1", tags=["a", "b"], release="r1",
        version="v1", environment="prod", input='{"q": [1]}', output="plain", metadata={"k": "v"}, end_ms=3_000,
    )  # fmt: skip
    observe(
        trace_id="t1", id="chat", parent_id="root", type="GENERATION", name="chat", model="gpt-1", priced_as="gpt",
        usage={"input": 10, "input_cached_tokens": 5, "output": 7, "total": 22}, user_id="u1", session_id="s1",
        cost={"input": 0.1, "output": 0.2, "total": 0.3}, completion_start_ms=2_100, prompt_name="p", prompt_version=1,
        environment="prod",
    )  # fmt: skip
    observe(trace_id="t2", id="other", name="answer", session_id="s1", tags=["b"])
    observe(trace_id="t3", id="third", name="answer", session_id="s/2")
    score = {"id": "sc", "name": "quality", "value": "good", "traceId": "t1", "observationId": "chat"}
    client.post(f"{PUBLIC}/scores", json=score)
    return client


def test_a_trace_in_the_list_has_the_ids_of_what_it_holds(several: TestClient) -> None:
    answer = get(several, "/traces")
    assert answer["meta"] == {"page": 1, "limit": 50, "totalItems": 3, "totalPages": 1}
    trace = answer["data"][-1]
    assert trace.pop("createdAt")
    assert trace.pop("updatedAt")
    assert trace == {
        "id": "t1",
        "timestamp": "1970-01-01T00:00:01.000Z",
        "name": "question",
        "input": {"q": [1]},
        "output": "plain",
        "sessionId": "s1",
        "release": "r1",
        "version": "v1",
        "userId": "u1",
        "metadata": {"k": "v"},
        "tags": ["a", "b"],
        "public": False,
        "environment": "prod",
        "bookmarked": False,
        "externalId": None,
        "projectId": "local",
        "htmlPath": "/project/local/traces/t1",
        "latency": 2.0,
        "totalCost": 0.3,
        "observations": ["chat", "root"],
        "scores": ["sc"],
    }


def test_fields_that_are_not_asked_for_are_empty(several: TestClient) -> None:
    (trace,) = get(several, "/traces", name="question", fields="core")["data"]
    assert (trace["input"], trace["output"], trace["metadata"]) == (None, None, None)
    assert (trace["observations"], trace["scores"], trace["latency"], trace["totalCost"]) == ([], [], -1, -1)
    (trace,) = get(several, "/traces", name="question", fields="io,scores,observations,metrics")["data"]
    assert (trace["output"], trace["scores"], trace["latency"]) == ("plain", ["sc"], 2.0)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["t3", "t2", "t1"]),
        ({"userId": "u1"}, ["t1"]),
        ({"name": "answer"}, ["t3", "t2"]),
        ({"sessionId": "s1"}, ["t2", "t1"]),
        ({"tags": "b"}, ["t2", "t1"]),
        ({"tags": ["a", "b"]}, ["t1"]),
        ({"version": "v1"}, ["t1"]),
        ({"release": "r1"}, ["t1"]),
        ({"environment": "prod"}, ["t1"]),
        ({"environment": ["prod", "default"]}, ["t3", "t2", "t1"]),
        ({"fromTimestamp": "1970-01-01T00:00:03Z"}, ["t3", "t2"]),
        ({"toTimestamp": "1970-01-01T00:00:03Z"}, ["t1"]),
        ({"orderBy": "timestamp.asc"}, ["t1", "t2", "t3"]),
        ({"orderBy": "totalCost.desc", "limit": 1}, ["t1"]),
        ({"orderBy": "name.asc"}, ["t2", "t3", "t1"]),
        ({"limit": 2, "page": 2}, ["t1"]),
        ({"filter": json.dumps([{"type": "number", "column": "latency", "operator": ">", "value": 1}])}, ["t1"]),
    ],
)
def test_traces_are_filtered_and_ordered(several: TestClient, query: dict[str, Any], expected: list[str]) -> None:
    assert ids(several, "/traces", **query) == expected


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/traces", {"limit": 101}),
        ("/traces", {"page": 0}),
        ("/traces", {"page": 10**30}),
        ("/traces", {"fields": "all"}),
        ("/traces", {"orderBy": "id; DROP TABLE traces"}),
        ("/traces", {"orderBy": "name.sideways"}),
        ("/traces", {"orderBy": "tags.asc"}),
        ("/traces", {"fromTimestamp": "2026-11-21"}),
        ("/traces", {"filter": "[{}]"}),
        ("/sessions", {"toTimestamp": "x"}),
        ("/observations", {"level": "LOUD"}),
    ],
)
def test_questions_that_cannot_be_understood_are_refused(several: TestClient, path: str, query: dict[str, Any]) -> None:
    assert several.get(f"{PUBLIC}{path}", params=query).status_code == 400


def test_a_trace_has_its_observations_and_scores_inline(several: TestClient) -> None:
    trace = get(several, "/traces/t1")
    assert (trace["htmlPath"], trace["latency"], trace["totalCost"]) == ("/project/local/traces/t1", 2.0, 0.3)
    assert [one["id"] for one in trace["observations"]] == ["root", "chat"]
    (score,) = trace["scores"]
    expected = {"id": "sc", "dataType": "CATEGORICAL", "value": 0, "stringValue": "good", "observationId": "chat"}
    assert {key: score[key] for key in expected} == expected


def test_an_observation_has_usage_and_cost_in_old_and_new_words(several: TestClient) -> None:
    one = get(several, "/observations/chat")
    expected = {
        "id": "chat",
        "traceId": "t1",
        "type": "GENERATION",
        "parentObservationId": "root",
        "model": "gpt-1",
        "usage": {"input": 15, "output": 7, "total": 22, "unit": "TOKENS"},
        "promptTokens": 15,
        "completionTokens": 7,
        "totalTokens": 22,
        "usageDetails": {"input": 10, "input_cached_tokens": 5, "output": 7, "total": 22},
        "costDetails": {"input": 0.1, "output": 0.2, "total": 0.3},
        "calculatedInputCost": 0.1,
        "calculatedOutputCost": 0.2,
        "calculatedTotalCost": 0.3,
        "latency": 0.5,
        "timeToFirstToken": 0.1,
        "promptName": "p",
        "promptVersion": 1,
        "promptId": None,
    }
    assert {key: one[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("stored", "shown"), [(None, None), ("plain", "plain"), ('{"a": 1}', {"a": 1}), ("[1,", "[1,"), ("7", 7), ("", "")]
)
def test_json_text_is_shown_as_what_it_says(client: TestClient, observe: Observe, stored: Any, shown: Any) -> None:
    observe(id="o", input=stored)
    assert get(client, "/observations/o")["input"] == shown


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["third", "other", "chat", "root"]),
        ({"traceId": "t1"}, ["chat", "root"]),
        ({"type": "GENERATION"}, ["chat"]),
        ({"parentObservationId": "root"}, ["chat"]),
        ({"userId": "u1", "limit": 1, "page": 2}, ["root"]),
        ({"fromStartTime": "1970-01-01T00:00:03Z"}, ["third", "other"]),
    ],
)
def test_observations_are_filtered(several: TestClient, query: dict[str, Any], expected: list[str]) -> None:
    assert ids(several, "/observations", **query) == expected


def test_sessions_have_their_traces(several: TestClient) -> None:
    answer = get(several, "/sessions")
    assert answer["meta"]["totalItems"] == 2
    assert answer["data"][1] == {
        "id": "s1",
        "createdAt": "1970-01-01T00:00:01.000Z",
        "projectId": "local",
        "environment": "prod",
    }
    session = get(several, "/sessions/s1")
    assert [trace["id"] for trace in session["traces"]] == ["t2", "t1"]
    assert [trace["id"] for trace in get(several, "/sessions/s%2F2")["traces"]] == ["t3"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"fromTimestamp": "1970-01-01T00:00:04Z"}, ["s/2"]),
        ({"toTimestamp": "1970-01-01T00:00:04Z"}, ["s1"]),
        ({"environment": "prod"}, ["s1"]),
        ({"limit": 1, "page": 2}, ["s1"]),
    ],
)
def test_sessions_are_filtered(several: TestClient, query: dict[str, Any], expected: list[str]) -> None:
    assert ids(several, "/sessions", **query) == expected


@pytest.mark.parametrize("path", ["/traces/x", "/sessions/x", "/observations/x"])
def test_what_does_not_exist_is_404(several: TestClient, path: str) -> None:
    answer = several.get(f"{PUBLIC}{path}")
    assert (answer.status_code, answer.json()["error"]) == (404, "LangfuseNotFoundError")


def test_a_trace_is_deleted_with_all_that_belongs_to_it(several: TestClient, store: Store) -> None:
    with store.write() as connection:
        event = {"id": "t1", "timestamp_ms": 1, "created_ms": 1, "updated_ms": 1, "metadata": {}, "tags": []}
        upsert(connection, "traces", ("id",), to_columns(event))
    answer = several.delete(f"{PUBLIC}/traces/t1")
    assert (answer.status_code, answer.json()) == (200, {"message": "Trace deleted successfully"})
    assert ids(several, "/traces") == ["t3", "t2"]
    assert ids(several, "/observations", traceId="t1") == []
    assert several.get(f"{PUBLIC}/v3/scores").json()["data"] == []


def test_several_traces_are_deleted_at_once(several: TestClient) -> None:
    answer = several.request("DELETE", f"{PUBLIC}/traces", json={"traceIds": ["t1", "t3", "unknown"]})
    assert (answer.status_code, answer.json()) == (200, {"message": "Traces deleted successfully"})
    assert ids(several, "/traces") == ["t2"]
    for body in ({}, {"traceIds": "t2"}, {"traceIds": [1]}):
        assert several.request("DELETE", f"{PUBLIC}/traces", json=body).status_code == 400
    assert ids(several, "/traces") == ["t2"]


def test_langfuses_own_client_deletes(several: TestClient) -> None:
    api_module = pytest.importorskip("langfuse.api")
    api = api_module.LangfuseAPI(base_url="http://testserver", httpx_client=several)
    assert api.trace.delete("t1").message
    assert api.trace.delete_multiple(trace_ids=["t2"]).message
    assert ids(several, "/traces") == ["t3"]
