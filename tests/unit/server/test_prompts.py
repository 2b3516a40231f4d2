"""The rules of prompts (langfuse-api.md, section 4), one a test."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from langfuse_otel.server.store import Store
from support.prompt_endpoints import PROMPTS, create, delete, get, label


def test_a_created_prompt_is_answered_whole(client: TestClient) -> None:
    stored = create(
        client, labels=["production"], tags=["a"], config={"temperature": 0.2}, commitMessage="first", type="text"
    )
    assert stored.pop("id")
    assert stored.pop("createdAt") == stored.pop("updatedAt")
    assert stored == {
        "projectId": "local",
        "createdBy": "API",
        "name": "greeting",
        "version": 1,
        "type": "text",
        "prompt": "Hello {{name}}",
        "config": {"temperature": 0.2},
        "labels": ["production", "latest"],
        "tags": ["a"],
        "commitMessage": "first",
        "resolutionGraph": None,
    }


def test_what_is_left_out_has_defaults(client: TestClient) -> None:
    stored = create(client)
    assert (stored["type"], stored["config"], stored["labels"]) == ("text", {}, ["latest"])
    assert (stored["tags"], stored["commitMessage"]) == ([], None)


def test_versions_count_from_1_and_latest_is_always_on_the_newest(client: TestClient) -> None:
    create(client)
    assert create(client, labels=["latest"])["labels"] == ["latest"]
    assert create(client)["version"] == 3
    assert [get(client, version=number).json()["labels"] for number in (1, 2, 3)] == [[], [], ["latest"]]


def test_a_label_moves_to_the_new_version_that_names_it(client: TestClient) -> None:
    create(client, labels=["production", "staging"])
    create(client, labels=["production"])
    assert get(client, version=1).json()["labels"] == ["staging"]
    assert get(client).json()["version"] == 2


def test_reads_default_to_the_label_production(client: TestClient) -> None:
    create(client)
    answer = get(client)
    assert answer.status_code == 404
    assert answer.json() == {
        "message": "Prompt not found: 'greeting' with label 'production'",
        "error": "LangfuseNotFoundError",
    }
    label(client, 1, "production")
    assert get(client).json()["version"] == 1


def test_a_version_or_a_label_chooses(client: TestClient) -> None:
    create(client, prompt="one", labels=["old"])
    create(client, prompt="two")
    assert get(client, version=1).json()["prompt"] == "one"
    assert get(client, label="old").json()["prompt"] == "one"
    assert get(client, label="latest").json()["prompt"] == "two"
    assert get(client, version=3).json()["message"] == "Prompt not found: 'greeting' with version 3"


def test_version_and_label_together_are_refused(client: TestClient) -> None:
    create(client)
    for answer in (get(client, version=1, label="latest"), delete(client, version=1, label="latest")):
        assert (answer.status_code, answer.json()["message"]) == (400, "Cannot specify both version and label")


@pytest.mark.parametrize("version", ["x", "0", "-1", "1.5", "9" * 30, "²"])
def test_a_version_that_is_no_number_is_refused(client: TestClient, version: str) -> None:
    create(client)
    assert get(client, version=version).status_code == 400


def test_is_active_says_whether_it_has_production(client: TestClient) -> None:
    create(client)
    create(client, labels=["production"])
    assert [get(client, version=number).json()["isActive"] for number in (1, 2)] == [False, True]


@pytest.mark.parametrize(
    "name", ["a b", "folder/sub/name", "a/versions/1", "ü%2F", "a?b#c", "{{x}}", "a=b&c", "versions", "metrics/x", "新"]
)
def test_a_name_is_one_encoded_segment(client: TestClient, name: str) -> None:
    create(client, name, labels=["production"])
    assert get(client, name).json()["name"] == name
    assert label(client, 1, "staging", name=name).json()["labels"] == ["production", "latest", "staging"]
    assert delete(client, name).status_code == 204
    assert get(client, name).status_code == 404


def test_a_slash_that_is_not_encoded_finds_nothing_as_in_langfuse(client: TestClient) -> None:
    create(client, "folder/name", labels=["production"])
    body = {"newLabels": ["a"]}
    for answer in (
        client.get(f"{PROMPTS}/folder/name"),
        client.delete(f"{PROMPTS}/folder/name"),
        client.patch(f"{PROMPTS}/folder/name/versions/1", json=body),
    ):
        assert answer.status_code == 404
        assert "percent-encode" in answer.json()["message"]


@pytest.mark.parametrize("name", ["", "  ", "a|b", "a<b>c", "/a", "a/", "a//b", "new", "metrics", "prompt-detail"])
def test_names_that_langfuse_cannot_have_are_refused(client: TestClient, name: str) -> None:
    answer = client.post(PROMPTS, json={"name": name, "prompt": "x"})
    assert answer.status_code == 400
    assert answer.json()["error"][0]["message"].startswith("name: ")


@pytest.mark.parametrize("bad", ["", "Upper", "a b", "a" * 37, "ä", "line\n"])
def test_labels_that_break_the_rules_are_refused(client: TestClient, bad: str) -> None:
    create(client)
    assert client.post(PROMPTS, json={"name": "x", "prompt": "y", "labels": [bad]}).status_code == 400
    assert label(client, 1, bad).status_code == 400


def test_labels_may_have_every_allowed_character(client: TestClient) -> None:
    assert create(client, labels=["a-z_0.9", "b" * 36])["labels"] == ["a-z_0.9", "b" * 36, "latest"]


def test_a_commit_message_has_at_most_500_characters(client: TestClient) -> None:
    create(client, commitMessage="x" * 500)
    assert client.post(PROMPTS, json={"name": "x", "prompt": "y", "commitMessage": "x" * 501}).status_code == 400


def test_given_tags_are_set_on_all_versions_and_left_out_ones_are_kept(client: TestClient) -> None:
    create(client, tags=["old"])
    assert create(client)["tags"] == ["old"]
    assert create(client, tags=["new", "new"])["tags"] == ["new"]
    assert [get(client, version=number).json()["tags"] for number in (1, 2, 3)] == [["new"]] * 3
    assert create(client, tags=[])["tags"] == []
    assert get(client, version=1).json()["tags"] == []


def test_all_versions_are_of_one_type(client: TestClient) -> None:
    create(client)
    answer = client.post(PROMPTS, json={"name": "greeting", "type": "chat", "prompt": []})
    assert answer.status_code == 400
    assert "Previous versions have different prompt type" in answer.text


@pytest.mark.parametrize(
    "body",
    [
        {"type": "text", "prompt": []},
        {"type": "chat", "prompt": "text"},
        {"prompt": [{"role": "user", "content": "x"}]},
        {"type": "chat", "prompt": [{"role": "user"}]},
        {"type": "chat", "prompt": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
        {"type": "chat", "prompt": [{"type": "placeholder", "name": "1st"}]},
        {"type": "chat", "prompt": [{"type": "placeholder"}]},
        {"type": "image", "prompt": "x"},
        {},
    ],
)
def test_a_prompt_that_is_not_of_its_type_is_refused(client: TestClient, body: dict[str, Any]) -> None:
    assert client.post(PROMPTS, json={"name": "x", **body}).status_code == 400


def test_messages_are_kept_without_a_type_and_placeholders_with_it(client: TestClient) -> None:
    stored = create(
        client,
        type="chat",
        prompt=[
            {"role": "system", "content": "a", "type": "chatmessage"},
            {"role": "user", "content": "b", "extra": 1},
            {"type": "placeholder", "name": "history"},
        ],
    )
    assert stored["prompt"] == [
        {"role": "system", "content": "a"},
        {"role": "user", "content": "b"},
        {"type": "placeholder", "name": "history"},
    ]


def test_a_variable_and_a_placeholder_cannot_share_a_name(client: TestClient) -> None:
    messages = [{"role": "user", "content": "{{history}}"}, {"type": "placeholder", "name": "history"}]
    answer = client.post(PROMPTS, json={"name": "x", "type": "chat", "prompt": messages})
    assert answer.status_code == 400
    assert "variables and placeholders must have different names: history" in answer.text


def test_concurrent_creations_each_make_a_version(client: TestClient) -> None:
    together = threading.Barrier(4)

    def create_one() -> None:
        together.wait()
        versions.append(create(client, labels=["production"])["version"])

    versions: list[int] = []
    threads = [threading.Thread(target=create_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(versions) == [1, 2, 3, 4]
    assert get(client).json()["version"] == 4


def test_patch_adds_labels_and_takes_them_from_other_versions(client: TestClient) -> None:
    create(client, labels=["production", "a"])
    create(client, labels=["b"])
    answer = label(client, 2, "production")
    assert (answer.status_code, answer.json()["labels"]) == (200, ["b", "latest", "production"])
    assert get(client, version=1).json()["labels"] == ["a"]


def test_patch_refuses_latest_and_unknown_versions(client: TestClient) -> None:
    create(client)
    assert label(client, 1, "latest").status_code == 400
    assert label(client, 2, "a").status_code == 404
    assert label(client, 1, "a", name="other").status_code == 404
    assert client.patch(f"{PROMPTS}/greeting/versions/{'9' * 5000}", json={"newLabels": []}).status_code == 400


def test_labels_change_the_time_of_update(client: TestClient, store: Store) -> None:
    create(client, labels=["production"])
    create(client)
    with store.write() as connection:
        connection.execute("UPDATE prompts SET updated_ms = 0")
    label(client, 2, "production")
    updated = store.connection().execute("SELECT updated_ms FROM prompts").fetchall()
    assert all(row["updated_ms"] > 0 for row in updated)


def test_delete_takes_a_version_a_labelled_one_or_all(client: TestClient) -> None:
    for labels in (["a"], ["b"], []):
        create(client, labels=labels)
    assert delete(client, label="b").status_code == 204
    assert get(client, version=2).status_code == 404
    assert delete(client, version=1).status_code == 204
    assert get(client, version=1).status_code == 404
    assert delete(client).status_code == 204
    assert get(client, version=3).status_code == 404
    assert delete(client).status_code == 404


def test_delete_of_what_is_not_there_is_404(client: TestClient) -> None:
    create(client)
    assert delete(client, version=2).status_code == 404
    assert delete(client, label="production").status_code == 404


def test_latest_moves_to_the_highest_version_left(client: TestClient) -> None:
    for _ in range(3):
        create(client)
    delete(client, version=3)
    assert get(client, label="latest").json()["version"] == 2
    delete(client, version=1)
    assert get(client, label="latest").json()["version"] == 2


def test_bodies_are_bounded_and_must_be_json(client: TestClient) -> None:
    assert client.post(PROMPTS, content=b"{").status_code == 400
    assert client.post(PROMPTS, content=b"[]").status_code == 400
    assert client.post(PROMPTS, content=b"\xff").status_code == 400
    assert client.post(PROMPTS, json={"name": "x", "prompt": "x" * 2**20}).status_code == 413
