"""The list of prompts: what it says of each, which of them, and page by page."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from support.prompt_endpoints import PROMPTS, create


def test_the_list_is_by_name_with_what_all_versions_have(client: TestClient) -> None:
    create(client, "b", labels=["production"], config={"n": 1}, tags=["t"])
    create(client, "b", config={"n": 2})
    create(client, "a", type="chat", prompt=[])
    answer = client.get(PROMPTS).json()
    meta = {"page": 1, "limit": 10, "totalItems": 2, "totalPages": 1}
    assert (answer["meta"], answer["pagination"]) == (meta, meta)
    assert [one["name"] for one in answer["data"]] == ["a", "b"]
    second = answer["data"][1]
    assert second.pop("lastUpdatedAt").endswith("Z")
    assert second == {
        "name": "b",
        "type": "text",
        "versions": [1, 2],
        "labels": ["production", "latest"],
        "tags": ["t"],
        "lastConfig": {"n": 2},
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"name": "a"}, {"a": [1, 2]}),
        ({"name": "A"}, {}),
        ({"label": "production"}, {"a": [1], "b": [1]}),
        ({"tag": "t"}, {"b": [1]}),
        ({"version": 2}, {"a": [2]}),
        ({"fromUpdatedAt": "2000-01-01T00:00:00Z"}, {"a": [1, 2], "b": [1]}),
        ({"toUpdatedAt": "2000-01-01T00:00:00Z"}, {}),
        (
            {"filter": '[{"type":"string","column":"name","operator":"starts with","value":"a"}]', "name": "b"},
            {"a": [1, 2]},
        ),
        ({"filter": '[{"type":"arrayOptions","column":"labels","operator":"any of","value":["x","latest"]}]'},
         {"a": [2], "b": [1]}),
    ],
)  # fmt: skip
def test_the_list_is_filtered_by_version(client: TestClient, query: dict[str, Any], expected: Any) -> None:
    create(client, "a", labels=["production"])
    create(client, "a")
    create(client, "b", labels=["production"], tags=["t"])
    found = client.get(PROMPTS, params=query).json()["data"]
    assert {one["name"]: one["versions"] for one in found} == expected


def test_from_is_included_and_to_is_not(client: TestClient) -> None:
    moment = create(client)["updatedAt"]
    assert client.get(PROMPTS, params={"fromUpdatedAt": moment}).json()["data"]
    assert not client.get(PROMPTS, params={"toUpdatedAt": moment}).json()["data"]


def test_the_list_has_pages(client: TestClient) -> None:
    for name in "abc":
        create(client, name)
    answer = client.get(PROMPTS, params={"page": 2, "limit": 2}).json()
    assert [one["name"] for one in answer["data"]] == ["c"]
    assert answer["meta"] == {"page": 2, "limit": 2, "totalItems": 3, "totalPages": 2}


@pytest.mark.parametrize(
    "query", [{"limit": 101}, {"limit": 0}, {"page": 0}, {"page": "x"}, {"fromUpdatedAt": "today"}]
)
def test_the_list_refuses_what_it_cannot_understand(client: TestClient, query: dict[str, Any]) -> None:
    assert client.get(PROMPTS, params=query).status_code == 400
