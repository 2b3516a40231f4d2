"""``GET /api/public/v2/observations`` (langfuse-api.md, section 5.3)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from langfuse_otel.server.records import Observation

V2 = "/api/public/v2/observations"
ALWAYS = {
    "id",
    "traceId",
    "startTime",
    "endTime",
    "projectId",
    "parentObservationId",
    "type",
    "modelId",
    "inputPrice",
    "outputPrice",
    "totalPrice",
}

Observe = Callable[..., Observation]


def get(client: TestClient, **query: Any) -> dict[str, Any]:
    answer = client.get(V2, params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def ids(client: TestClient, **query: Any) -> set[str]:
    return {one["id"] for one in get(client, **query)["data"]}


def condition(type: str, column: str, operator: str, value: Any = None, **fields: Any) -> dict[str, Any]:  # noqa: A002
    return {"type": type, "column": column, "operator": operator, "value": value, **fields}


def test_core_and_basic_come_without_asking(client: TestClient, observe: Observe) -> None:
    observe(id="o", name="chat", type="GENERATION", parent_id="p", is_app_root=True, user_id="u", session_id="s")
    assert get(client) == {
        "data": [
            {
                "id": "o",
                "traceId": "t1",
                "startTime": "1970-01-01T00:00:01.000Z",
                "endTime": "1970-01-01T00:00:01.500Z",
                "projectId": "local",
                "parentObservationId": "p",
                "type": "GENERATION",
                "modelId": None,
                "inputPrice": None,
                "outputPrice": None,
                "totalPrice": None,
                "name": "chat",
                "level": "DEFAULT",
                "statusMessage": None,
                "version": None,
                "environment": "default",
                "bookmarked": False,
                "public": False,
                "userId": "u",
                "sessionId": "s",
                "isRootObservation": True,
            }
        ],
        "meta": {},
    }


@pytest.mark.parametrize(
    ("group", "fields"),
    [
        ("core", {}),
        (
            "time",
            {
                "completionStartTime": "1970-01-01T00:00:01.200Z",
                "createdAt": "1970-01-01T00:00:00.007Z",
                "updatedAt": "1970-01-01T00:00:00.008Z",
            },
        ),
        ("io", {"input": '{"a": 1}', "output": "text"}),
        ("metadata", {"metadata": {"k": "v"}}),
        (
            "model",
            {"model": "m-1", "providedModelName": "m-1", "internalModelId": "m", "modelParameters": {"temperature": 1}},
        ),
        (
            "usage",
            {
                "usageDetails": {"input": 3, "total": 3},
                "costDetails": {"input": 0.5, "total": 0.5},
                "totalCost": 0.5,
                "usagePricingTierName": "Standard",
            },
        ),
        ("prompt", {"promptId": None, "promptName": "greeting", "promptVersion": 1}),
        ("metrics", {"latency": 0.5, "timeToFirstToken": 0.2}),
        ("trace_context", {"traceName": "trace", "tags": ["a"], "release": "r"}),
    ],
)
def test_a_group_adds_its_fields_to_those_of_core(
    client: TestClient, observe: Observe, group: str, fields: dict[str, Any]
) -> None:
    observe(
        completion_start_ms=1_200,
        created_ms=7,
        updated_ms=8,
        input='{"a": 1}',
        output="text",
        metadata={"k": "v"},
        model="m-1",
        priced_as="m",
        model_parameters={"temperature": 1},
        usage={"input": 3, "total": 3},
        cost={"input": 0.5, "total": 0.5},
        prompt_name="greeting",
        prompt_version=1,
        trace_name="trace",
        tags=["a"],
        release="r",
    )
    (one,) = get(client, fields=group)["data"]
    assert set(one) == ALWAYS | set(fields)
    assert {key: one[key] for key in fields} == fields


def test_an_observation_without_price_or_end_has_none(client: TestClient, observe: Observe) -> None:
    observe(end_ms=None)
    (one,) = get(client, fields="core,usage,metrics")["data"]
    values = ("totalCost", "usagePricingTierName", "latency", "timeToFirstToken", "endTime")
    assert {one[key] for key in values} == {None}


def test_a_prompt_that_exists_is_linked_by_its_id(client: TestClient, observe: Observe) -> None:
    prompt = client.post("/api/public/v2/prompts", json={"name": "greeting", "prompt": "Hi"}).json()
    observe(id="linked", prompt_name="greeting", prompt_version=1)
    observe(id="not", prompt_name="greeting", prompt_version=2)
    found = {one["id"]: one["promptId"] for one in get(client, fields="prompt")["data"]}
    assert found == {"linked": prompt["id"], "not": None}


def test_metadata_is_cut_unless_its_key_is_expanded(client: TestClient, observe: Observe) -> None:
    long = {"text": "x" * 300, "list": ["y" * 300], "short": {"a": 1}}
    observe(metadata=long)
    (one,) = get(client, fields="metadata")["data"]
    assert one["metadata"] == {"text": "x" * 200, "list": ('["' + "y" * 300)[:200], "short": {"a": 1}}
    (one,) = get(client, fields="metadata", expandMetadata="text,list")["data"]
    assert one["metadata"] == long


@pytest.fixture
def several(client: TestClient, observe: Observe) -> TestClient:
    observe(
        id="a", trace_id="t1", name="root", user_id="u", session_id="s", environment="prod", version="1", tags=["x"]
    )
    observe(
        id="b",
        trace_id="t1",
        parent_id="a",
        name="chat",
        type="GENERATION",
        level="ERROR",
        environment="staging",
        model="gpt",
        usage={"input": 10, "input_cached_tokens": 5, "output": 20, "total": 35},
        cost={"input": 0.1, "output": 0.2, "total": 0.3},
        input="What is 100%?",
        output="It's All",
        metadata={"city": "Köln", "n": 5, "it's": "y"},
        tags=["x", "y"],
    )
    observe(id="c", trace_id="t2", parent_id="elsewhere", is_app_root=True, name="root", public=True, end_ms=13_000)
    return client


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"traceId": "t1"}, "ab"),
        ({"name": "root"}, "ac"),
        ({"userId": "u"}, "a"),
        ({"sessionId": "s"}, "a"),
        ({"type": "GENERATION"}, "b"),
        ({"level": "ERROR"}, "b"),
        ({"parentObservationId": "a"}, "b"),
        ({"parentObservationId": ""}, "a"),
        ({"isRootObservation": "true"}, "ac"),
        ({"isRootObservation": "false"}, "b"),
        ({"environment": "prod"}, "a"),
        ({"environment": ["prod", "staging"]}, "ab"),
        ({"version": "1"}, "a"),
        ({"fromStartTime": "1970-01-01T00:00:02Z"}, "bc"),
        ({"toStartTime": "1970-01-01T00:00:02Z"}, "a"),
        ({"name": "root", "traceId": "t1"}, "a"),
        ({"name": "nothing"}, ""),
    ],
)
def test_parameters_filter(several: TestClient, query: dict[str, Any], expected: str) -> None:
    assert ids(several, **query) == set(expected)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], "abc"),
        ([condition("string", "name", "=", "root")], "ac"),
        ([condition("string", "name", "contains", "oo")], "ac"),
        ([condition("string", "model", "does not contain", "gpt")], "ac"),
        ([condition("string", "name", "starts with", "ch")], "b"),
        ([condition("string", "name", "ends with", "at")], "b"),
        ([condition("string", "name", "ends with", "a longer text than the name")], ""),
        ([condition("string", "input", "contains", "0%")], "b"),
        ([condition("string", "output", "matches", "IT'S all")], "b"),
        ([condition("stringOptions", "id", "any of", ["a", "c"])], "ac"),
        ([condition("stringOptions", "model", "none of", ["gpt"])], "ac"),
        ([condition("arrayOptions", "tags", "any of", ["x", "z"])], "ab"),
        ([condition("arrayOptions", "traceTags", "all of", ["x", "y"])], "b"),
        ([condition("arrayOptions", "tags", "none of", ["y"])], "ac"),
        ([condition("number", "latency", ">=", 2.5)], "c"),
        ([condition("number", "totalTokens", "=", 35)], "b"),
        ([condition("number", "inputTokens", "=", 15)], "b"),
        ([condition("number", "outputCost", ">", 0.1)], "b"),
        ([condition("number", "tokensPerSecond", "=", 40)], "b"),
        ([condition("datetime", "startTime", "<", "1970-01-01T00:00:02Z")], "a"),
        ([condition("boolean", "isRootObservation", "=", True)], "ac"),
        ([condition("boolean", "isRootObservation", "<>", True)], "b"),
        ([condition("null", "parentObservationId", "is null")], "a"),
        ([condition("null", "model", "is not null")], "b"),
        ([condition("stringObject", "metadata", "=", "Köln", key="city")], "b"),
        ([condition("stringObject", "metadata", "=", "y", key="it's")], "b"),
        ([condition("stringObject", "metadata", "is set", "", key="city")], "b"),
        ([condition("stringObject", "metadata", "is not set", "", key="city")], "ac"),
        ([condition("numberObject", "metadata", ">", 4, key="n")], "b"),
        ([condition("string", "name", "=", "root"), condition("string", "traceId", "=", "t2")], "c"),
    ],
)
def test_the_filter_list_filters(several: TestClient, conditions: list[dict[str, Any]], expected: str) -> None:
    assert ids(several, filter=json.dumps(conditions)) == set(expected)


def test_the_filter_list_replaces_the_single_parameters(several: TestClient) -> None:
    assert ids(several, filter=json.dumps([condition("string", "id", "=", "b")]), name="root") == {"b"}


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("nonsense", "filter: "),
        ("{}", "filter: "),
        ([condition("string", "colour", "=", "x")], "filter[0]: unknown column 'colour'"),
        ([condition("string", "name", "=", "x"), condition("sound", "name", "=", "x")], "filter[1]: unknown type"),
        ([condition("string", "name", "like", "x")], "has no operator 'like'"),
        ([condition("string", "name", "=", 1)], "value: expected a text"),
        ([condition("string", "latency", "=", "1")], "column latency cannot be asked with type string"),
        ([condition("number", "latency", "=", "1")], "value: expected a number"),
        ([condition("number", "latency", "=", 10**400)], "filter"),
        ([condition("number", "latency", "~", 1)], "has no operator '~'"),
        ([condition("boolean", "isRootObservation", "=", "true")], "value: expected true or false"),
        ([condition("datetime", "startTime", ">", "now")], "Invalid ISO datetime"),
        ([condition("stringOptions", "id", "any of", [])], "value: expected a list of texts"),
        ([condition("arrayOptions", "tags", "some of", ["x"])], "has no operator 'some of'"),
        ([condition("stringObject", "metadata", "=", "x")], "key: needed"),
        ([condition("null", "model", "=")], "has no operator '='"),
    ],
)
def test_a_filter_that_cannot_be_understood_is_refused(several: TestClient, text: Any, issue: str) -> None:
    answer = several.get(V2, params={"filter": text if isinstance(text, str) else json.dumps(text)})
    assert answer.status_code == 400
    assert issue in answer.json()["error"][0]["message"]


def test_a_nul_in_a_filter_is_only_text(several: TestClient) -> None:
    assert not ids(several, filter=json.dumps([condition("stringObject", "metadata", "=", "\0", key="\0'")]))


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 1001},
        {"limit": "many"},
        {"fields": "core,everything"},
        {"parseIoAsJson": "true"},
        {"isRootObservation": "perhaps"},
        {"level": "LOUD"},
        {"fromStartTime": "2026-11-21"},
        {"cursor": "nonsense"},
        {"cursor": base64.b64encode(b'{"lastStartTimeTo":"x","lastTraceId":"t","lastId":"o"}').decode()},
    ],
)
def test_parameters_that_cannot_be_understood_are_refused(several: TestClient, query: dict[str, Any]) -> None:
    assert several.get(V2, params=query).status_code == 400


def test_parse_io_as_json_may_be_false(several: TestClient) -> None:
    assert ids(several, parseIoAsJson="false") == set("abc")


def test_the_limit_is_at_most_1000(several: TestClient) -> None:
    assert len(get(several, limit=1000)["data"]) == 3


def test_newest_first(several: TestClient) -> None:
    assert [one["id"] for one in get(several)["data"]] == ["c", "b", "a"]


def test_pages_are_stable_while_observations_arrive(client: TestClient, observe: Observe) -> None:
    for number in range(5):  # equal starts: the ids decide
        observe(id=f"o{number}", start_ms=5_000, trace_id=f"t{number % 2}")
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = get(client, **query)
        seen += [one["id"] for one in page["data"]]
        observe(id=f"new{len(seen)}", start_ms=9_000)
        if "cursor" not in page["meta"]:
            break
        query["cursor"] = page["meta"]["cursor"]
    assert seen == ["o3", "o1", "o4", "o2", "o0"]


def test_the_cursor_is_the_one_of_langfuse(several: TestClient) -> None:
    cursor = json.loads(base64.b64decode(get(several, limit=1)["meta"]["cursor"]))
    assert cursor == {"lastStartTimeTo": "1970-01-01T00:00:03.000Z", "lastTraceId": "t2", "lastId": "c"}


def test_the_filters_hold_on_later_pages(several: TestClient) -> None:
    first = get(several, limit=1, name="root")
    assert ids(several, limit=1, name="root", cursor=first["meta"]["cursor"]) == {"a"}


def test_langfuses_own_client_understands_the_answers(several: TestClient) -> None:
    api_module = pytest.importorskip("langfuse.api")
    api = api_module.LangfuseAPI(base_url="http://testserver", httpx_client=several)
    groups = "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context"
    page = api.observations.get_many(fields=groups, limit=2, environment=["default", "staging"])
    assert [one.id for one in page.data] == ["c", "b"]
    one = page.data[1]
    assert (one.total_cost, one.usage_details["total"], one.latency, one.tags) == (0.3, 35, 0.5, ["x", "y"])
    assert api.observations.get_many(limit=1, cursor=api.observations.get_many(limit=1).meta.cursor).data[0].id == "b"
