"""The older wire (reference: langfuse-api.md, section 2)."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from langfuse_otel.server.run import LocalServer
from support.langfuse_api import LangfuseApi

T0, T1, T2 = (f"2026-11-21T06:00:0{second}.000Z" for second in range(3))


class Wire:
    """Sends batches and reads back."""

    def __init__(self, server: LocalServer) -> None:
        self._server = server
        self.api = LangfuseApi(server.base_url, server.public_key, server.secret_key)

    def post(self, body: Any) -> requests.Response:
        keys = (self._server.public_key, self._server.secret_key)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        url = f"{self._server.base_url}/api/public/ingestion"
        return requests.post(url, data, headers=headers, auth=keys, timeout=10)

    def send(self, *events: dict[str, Any]) -> dict[str, Any]:
        answer = self.post({"batch": list(events)})
        assert answer.status_code == 207
        result: dict[str, Any] = answer.json()
        return result

    def observation(self) -> dict[str, Any]:
        (row,) = self.api.observations()
        return row


@pytest.fixture
def wire(local_server: LocalServer) -> Wire:
    return Wire(local_server)


def event(kind: str, body: Any, at: str = T0, **fields: Any) -> dict[str, Any]:
    return {"id": f"{kind}@{at}", "timestamp": at, "type": kind, "body": body, **fields}


def test_a_trace_and_its_generation(wire: Wire) -> None:
    result = wire.send(
        event("trace-create", {"id": "t1", "name": "question", "userId": "u", "sessionId": "s", "tags": ["b", "a"]}),
        event(
            "generation-create",
            {
                "id": "o1",
                "traceId": "t1",
                "name": "chat",
                "startTime": T0,
                "endTime": T1,
                "model": "gpt-4o-mini",
                "usageDetails": {"input": 10, "output": 5},
                "input": [{"role": "user", "content": "hi"}],
                "promptName": "p",
                "promptVersion": 2,
            },
        ),
    )
    assert ([s["status"] for s in result["successes"]], result["errors"]) == ([201, 201], [])
    row = wire.observation()
    assert (row["type"], row["userId"], row["sessionId"], row["traceName"]) == ("GENERATION", "u", "s", "question")
    assert (row["promptName"], row["promptVersion"], row["latency"], row["tags"]) == ("p", 2, 1.0, ["a", "b"])
    assert row["usageDetails"] == {"input": 10, "output": 5, "total": 15}
    assert row["totalCost"] == pytest.approx(4.5e-6)
    assert json.loads(row["input"]) == [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("span-create", "SPAN"), ("event-create", "EVENT"), ("agent-create", "AGENT"), ("embedding-create", "EMBEDDING")],
)
def test_every_kind_of_observation(wire: Wire, kind: str, expected: str) -> None:
    wire.send(event(kind, {"id": "o", "traceId": "t"}))
    assert wire.observation()["type"] == expected


def test_updates_come_after_what_they_update_and_keep_what_they_leave_out(wire: Wire) -> None:
    wire.send(
        event("span-update", {"id": "o", "output": "done", "endTime": T2, "metadata": {"a": {"y": 2}}}, at=T0),
        event(
            "span-create", {"id": "o", "traceId": "t", "name": "n", "startTime": T0, "metadata": {"a": {"x": 1}}}, at=T1
        ),
    )
    row = wire.observation()
    assert (row["name"], row["output"], row["traceId"], row["latency"]) == ("n", "done", "t", 2.0)
    assert row["metadata"]["a"] == {"x": 1, "y": 2}


def test_null_overwrites_absent_and_empty_do_not(wire: Wire) -> None:
    body = {"id": "o", "traceId": "t", "name": "n", "input": "i", "level": "ERROR", "modelParameters": {"k": 1}}
    wire.send(event("generation-create", body))
    wire.send(event("generation-update", {"id": "o", "name": None, "level": None, "modelParameters": {}}, at=T1))
    row = wire.observation()
    assert (row["name"], row["input"], row["level"], row["modelParameters"]) == (None, "i", "DEFAULT", {"k": 1})


def test_an_end_before_the_start_becomes_the_start(wire: Wire) -> None:
    wire.send(event("span-create", {"id": "o", "traceId": "t", "startTime": T1, "endTime": T0}))
    assert wire.observation()["latency"] == 0


def test_tags_of_a_trace_are_united(wire: Wire) -> None:
    wire.send(
        event("trace-create", {"id": "t", "tags": ["b"]}), event("trace-create", {"id": "t", "tags": ["a"]}, at=T1)
    )
    assert wire.api.get("/api/public/traces/t")["tags"] == ["a", "b"]


def test_metadata_that_is_no_object_is_kept_under_its_name(wire: Wire) -> None:
    wire.send(event("span-create", {"id": "o", "traceId": "t", "metadata": "text"}))
    assert wire.observation()["metadata"] == {"metadata": "text"}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {"usage": {"promptTokens": 3, "completionTokens": 4, "totalTokens": 7}},
            {"input": 3, "output": 4, "total": 7},
        ),
        ({"usage": {"input": 3, "output": 4, "unit": "TOKENS"}}, {"input": 3, "output": 4, "total": 7}),
        (
            {"usageDetails": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}},
            {"input": 3, "output": 4, "total": 7},
        ),
    ],
)
def test_usage_of_each_spelling(wire: Wire, usage: dict[str, Any], expected: dict[str, int]) -> None:
    wire.send(event("generation-create", {"id": "o", "traceId": "t", **usage}))
    assert wire.observation()["usageDetails"] == expected


@pytest.mark.parametrize(
    "bad",
    [
        event("span-create", {"traceId": "t"}),
        event("span-create", {"id": "o", "level": "error"}),
        event("span-create", {"id": "o", "startTime": "2026-11-21 06:00:00"}),
        event("generation-create", {"id": "o", "promptName": "p"}),
        event("generation-create", {"id": "o", "promptName": "p", "promptVersion": 0}),
        event("trace-create", {"id": "t", "name": "n" * 1001}),
        event("dataset-run-item-create", {"id": "o"}),
        event("span-create", {"id": "o"}, timestamp="yesterday"),
        event("span-create", [1]),
        {"id": "span-create@x", "type": "span-create"},
    ],
)
def test_one_bad_event_does_not_stop_the_others(wire: Wire, bad: dict[str, Any]) -> None:
    result = wire.send(bad, event("span-create", {"id": "good", "traceId": "t"}, at=T2))
    assert [(error["id"], error["status"]) for error in result["errors"]] == [(bad["id"], 400)]
    assert len(result["successes"]) == 1
    assert wire.observation()["id"] == "good"


def test_an_event_without_an_id_is_answered_as_unknown(wire: Wire) -> None:
    assert [error["id"] for error in wire.send({"type": "span-create"}, 7)["errors"]] == ["unknown", "unknown"]  # type: ignore[arg-type]


def test_a_trace_without_an_id_is_answered_and_thrown_away(wire: Wire) -> None:
    assert wire.send(event("trace-create", {"name": "n"}))["successes"][0]["status"] == 201
    assert wire.api.get("/api/public/traces")["data"] == []


def test_logs_are_counted_nowhere(wire: Wire) -> None:
    assert wire.send(event("sdk-log", {"log": "x"})) == {"successes": [], "errors": []}


def test_a_score_is_kept(wire: Wire) -> None:
    body = {"id": "s1", "traceId": "t", "name": "good", "value": 1}
    assert wire.send(event("score-create", body))["errors"] == []
    assert [score["id"] for score in wire.api.get("/api/public/v3/scores")["data"]] == ["s1"]


@pytest.mark.parametrize("body", [b"{", {"batch": {}}, {}, []])
def test_a_malformed_envelope_is_400(wire: Wire, body: Any) -> None:
    answer = wire.post(body)
    assert answer.status_code == 400
    assert answer.json()["message"] == "Invalid request data"


def test_a_body_over_the_limit_is_413(wire: Wire) -> None:
    assert wire.post(b" " * 4_500_001).status_code == 413
