"""Prompts inside prompts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from langfuse_otel.server import prompt_composition
from langfuse_otel.server.prompt_composition import CompositionError, Reference, references, resolve
from langfuse_otel.server.records import Prompt
from langfuse_otel.server.store import Store

PROMPTS = "/api/public/v2/prompts"


def create(client: TestClient, name: str, prompt: Any, **fields: Any) -> Any:
    return client.post(PROMPTS, json={"name": name, "prompt": prompt, "labels": ["production"], **fields})


def tag(name: str, which: str = "label=production") -> str:
    return f"@@@langfusePrompt:name={name}|{which}@@@"


def version(name: str, prompt: Any, number: int = 1, *labels: str) -> Prompt:
    return Prompt(
        id=f"{name}-{number}",
        name=name,
        version=number,
        type="text" if isinstance(prompt, str) else "chat",
        prompt=prompt,
        config={},
        labels=[*labels],
        tags=[],
        commit_message=None,
        created_ms=0,
        updated_ms=0,
    )


class Shelf(list[Prompt]):
    """Prompts to find things in."""

    def find(self, reference: Reference) -> Prompt | None:
        return next(
            (
                one
                for one in self
                if one.name == reference.name
                and (one.version == reference.version if reference.label is None else reference.label in one.labels)
            ),
            None,
        )


def test_versions_and_labels_are_resolved_and_the_graph_says_how(client: TestClient) -> None:
    leaf = create(client, "leaf", "LEAF").json()
    middle = create(client, "middle", f"<{tag('leaf', 'version=1')}>").json()
    root = create(client, "root", f"{tag('middle')} {tag('leaf')} $1 {tag('middle')}").json()
    assert root["prompt"].startswith("@@@")  # the answer to a creation is what was stored
    answer = client.get(f"{PROMPTS}/root").json()
    assert answer["prompt"] == "<LEAF> LEAF $1 <LEAF>"
    node = {one["name"]: {key: one[key] for key in ("name", "version", "id")} for one in (leaf, middle, root)}
    assert answer["resolutionGraph"] == {
        "root": node["root"],
        "dependencies": {root["id"]: [node["middle"], node["leaf"]], middle["id"]: [node["leaf"]]},
    }


def test_resolve_false_gives_the_stored_text(client: TestClient) -> None:
    create(client, "leaf", "LEAF")
    create(client, "root", tag("leaf"))
    answer = client.get(f"{PROMPTS}/root", params={"resolve": "false"}).json()
    assert (answer["prompt"], answer["resolutionGraph"]) == (tag("leaf"), None)
    assert client.get(f"{PROMPTS}/root", params={"resolve": "maybe"}).status_code == 400


def test_a_prompt_that_includes_nothing_has_no_graph(client: TestClient) -> None:
    create(client, "leaf", "LEAF")
    assert client.get(f"{PROMPTS}/leaf").json()["resolutionGraph"] is None


def test_messages_of_a_chat_prompt_may_include_text_prompts(client: TestClient) -> None:
    create(client, "leaf", 'with "quotes"\n')
    messages = [{"role": "user", "content": f"a {tag('leaf')}"}, {"type": "placeholder", "name": "history"}]
    create(client, "root", messages, type="chat")
    assert client.get(f"{PROMPTS}/root").json()["prompt"] == [
        {"role": "user", "content": 'a with "quotes"\n'},
        {"type": "placeholder", "name": "history"},
    ]


def test_a_moved_label_is_followed(client: TestClient) -> None:
    create(client, "leaf", "old")
    create(client, "root", tag("leaf"))
    create(client, "leaf", "new")
    assert client.get(f"{PROMPTS}/root").json()["prompt"] == "new"


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (tag("nothing"), "Prompt dependency not found: nothing - label production"),
        (tag("leaf", "version=7"), "Prompt dependency not found: leaf - version 7"),
        (tag("leaf", "version=" + "9" * 30), "Prompt dependency not found: leaf - version"),
        (tag("chat"), "Prompt dependency is not a text prompt: chat - label production"),
        (tag("root"), "Circular dependency detected involving prompt 'root'"),
    ],
)
def test_a_broken_graph_is_refused_and_nothing_is_stored(client: TestClient, prompt: str, message: str) -> None:
    create(client, "leaf", "LEAF")
    create(client, "chat", [], type="chat")
    answer = create(client, "root", prompt)
    assert answer.status_code == 400
    assert message in answer.json()["error"][0]["message"]
    assert client.get(f"{PROMPTS}/root", params={"label": "latest"}).status_code == 404


def test_the_same_name_in_another_version_inside_itself_is_circular(client: TestClient) -> None:
    create(client, "root", "first")
    create(client, "middle", tag("root", "version=1"))
    answer = create(client, "root", tag("middle"))
    assert answer.status_code == 400
    assert "Circular dependency detected involving prompt 'root' version 1" in answer.text
    assert client.get(f"{PROMPTS}/root").json()["prompt"] == "first"


def test_a_read_of_a_graph_that_broke_since_is_409(client: TestClient, store: Store) -> None:
    create(client, "leaf", "LEAF")
    create(client, "root", tag("leaf"))
    with store.write() as connection:
        connection.execute("DELETE FROM prompts WHERE name = 'leaf'")
    answer = client.get(f"{PROMPTS}/root")
    assert answer.status_code == 409
    assert answer.json() == {
        "message": "Prompt dependency not found: leaf - label production",
        "error": "LangfuseConflictError",
    }
    assert client.get(f"{PROMPTS}/root", params={"resolve": "false"}).status_code == 200


def test_five_levels_are_possible_and_six_are_not(client: TestClient) -> None:
    create(client, "level1", "x")
    for number in range(2, 6):
        assert create(client, f"level{number}", tag(f"level{number - 1}")).status_code == 201
    assert client.get(f"{PROMPTS}/level5").json()["prompt"] == "x"
    answer = create(client, "level6", tag("level5"))
    assert answer.status_code == 400
    assert "Maximum nesting depth exceeded (5)" in answer.text


def test_what_others_include_cannot_be_deleted(client: TestClient) -> None:
    create(client, "leaf", "one", labels=["a"])
    create(client, "leaf", "two", labels=["b"])
    create(client, "by-version", tag("leaf", "version=1"))
    create(client, "by-label", tag("leaf", "label=b"))
    create(client, "by-latest", tag("leaf", "label=latest"))
    for query in ({}, {"version": 1}, {"label": "a"}, {"version": 2}, {"label": "b"}):
        answer = client.delete(f"{PROMPTS}/leaf", params=query)
        assert answer.status_code == 400, query
        assert "by-" in answer.json()["message"]
    client.delete(f"{PROMPTS}/by-label")
    assert client.delete(f"{PROMPTS}/leaf", params={"version": 2}).status_code == 204  # "latest" finds version 1 now
    assert client.get(f"{PROMPTS}/by-latest").json()["prompt"] == "one"


@pytest.mark.parametrize(
    "text",
    [
        "@@@langfusePrompt:@@@",
        "@@@langfusePrompt:name=a@@@",
        "@@@langfusePrompt:label=b|name=a@@@",
        "@@@langfusePrompt:name=a|version=1|label=b@@@",
        "@@@langfusePrompt:name=a|version=x@@@",
        "@@@langfusePrompt:name=a|branch=b@@@",
        "@@@langfusePrompt:name=a|label=b@@",
        "@@@langfusemedia:type=image/png|id=x|source=bytes@@@",
    ],
)
def test_tags_that_are_written_wrongly_are_text(text: str) -> None:
    assert list(references(text)) == []
    assert resolve(version("root", text), Shelf().find).prompt == text


def test_a_name_ends_at_its_first_equals_sign_as_in_langfuse() -> None:
    assert list(references(tag("a=b"))) == [Reference("a", label="production")]


def test_repetition_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_composition, "MAX_CHARACTERS", 1000)
    shelf = Shelf([version("0", "x" * 10, 1, "production")])
    shelf += [version(str(level), tag(str(level - 1)) * 10, 1, "production") for level in range(1, 4)]
    assert len(resolve(shelf[2], shelf.find).prompt) == 1000
    with pytest.raises(CompositionError, match="exceeds 1000 characters"):
        resolve(shelf[3], shelf.find)


@given(st.lists(st.tuples(st.text(), st.sampled_from("ab")), max_size=8), st.text())
def test_the_text_around_tags_stays_as_it_is(parts: list[tuple[str, str]], end: str) -> None:
    shelf = Shelf([version("a", "\\1 $& {{x}}", 1, "production"), version("b", "", 1, "production")])
    text = "".join(f"{before.replace('@', '')}{tag(name)}" for before, name in parts) + end.replace("@", "")
    expected = "".join(f"{before.replace('@', '')}{shelf['ab'.index(name)].prompt}" for before, name in parts)
    assert resolve(version("root", text), shelf.find).prompt == expected + end.replace("@", "")
