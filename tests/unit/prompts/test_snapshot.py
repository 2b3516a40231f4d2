"""A file of prompts that a process can live on when nothing else answers."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.errors import SettingsError
from langfuse_otel.prompts import snapshot
from langfuse_otel.prompts.models import ChatMessage, ChatPrompt, Placeholder, Prompt, Selector, TextPrompt

TEXT = TextPrompt(
    name="a/b",
    version=3,
    prompt="Hi {{x}} ä",
    labels=("production", "eu"),
    tags=("t",),
    commit_message="why",
    config_json=b'{"n":[1]}',
)
CHAT = ChatPrompt(name="chat", version=1, prompt=(ChatMessage("system", "a"), Placeholder("h")), labels=("production",))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "prompts.json"


class TestThereAndBack:
    def test_all_that_belongs_to_a_prompt(self, file: Path) -> None:
        assert snapshot.write(file, [TEXT, CHAT]) == 2
        text, chat = snapshot.load(file)
        assert (text.name, text.prompt, text.config, text.labels) == ("a/b", TEXT.prompt, TEXT.config, TEXT.labels)
        assert (text.tags, text.commit_message, text.version) == (("t",), "why", 3)
        assert chat == dataclasses.replace(CHAT, config_json=chat.config_json)

    def test_by_version_and_by_each_label(self, file: Path) -> None:
        snapshot.write(file, [TEXT])
        kept = snapshot.load(file)
        for selector in (Selector("a/b"), Selector("a/b", label="eu"), Selector("a/b", version=3)):
            found = kept.get(selector)
            assert found is not None
            assert (found.version, found.label) == (3, selector.label)
        for selector in (Selector("a"), Selector("a/b", label="3"), Selector("a/b", version=2)):
            assert kept.get(selector) is None

    def test_a_label_on_two_versions_is_on_the_higher_one(self) -> None:
        older = dataclasses.replace(TEXT, version=2, prompt="older")
        for order in ([older, TEXT], [TEXT, older]):
            found = snapshot.Snapshot(order).get(Selector("a/b"))
            assert found is not None
            assert found.version == 3

    @given(
        st.lists(
            st.builds(
                TextPrompt,
                name=st.text(st.characters(codec="utf-8"), min_size=1),
                version=st.integers(1, 2**31),
                prompt=st.text(st.characters(codec="utf-8")),
            ),
            unique_by=lambda prompt: (prompt.name, prompt.version),
            max_size=4,
        )
    )
    def test_any_names_and_texts(self, tmp_path_factory: pytest.TempPathFactory, prompts: list[Prompt]) -> None:
        file = tmp_path_factory.getbasetemp() / "any.json"
        assert snapshot.write(file, prompts) == len(prompts)
        assert {(one.name, one.version, one.prompt) for one in snapshot.load(file)} == {
            (one.name, one.version, one.prompt) for one in prompts
        }


class TestTheFile:
    def test_is_json_that_a_diff_shows_well(self, file: Path) -> None:
        snapshot.write(file, [CHAT, TEXT])
        text = file.read_text()
        document = json.loads(text)
        assert [*document] == ["version", "prompts"]
        assert document["version"] == 1
        assert [one["name"] for one in document["prompts"]] == ["a/b", "chat"]
        assert document["prompts"][0] == {
            "name": "a/b",
            "version": 3,
            "type": "text",
            "prompt": "Hi {{x}} ä",
            "config": {"n": [1]},
            "labels": ["production", "eu"],
            "tags": ["t"],
            "commitMessage": "why",
        }
        assert len(text.splitlines()) > 20

    def test_is_replaced_in_one_step_or_not_at_all(self, file: Path) -> None:
        snapshot.write(file, [TEXT])
        before = file.read_bytes()

        def failing() -> Any:
            yield CHAT
            raise OSError("the server went away")

        with pytest.raises(OSError, match="went away"):
            snapshot.write(file, failing())
        assert file.read_bytes() == before
        assert [*file.parent.iterdir()] == [file]

    def test_leaves_nothing_behind_when_it_cannot_be_put_in_place(self, file: Path) -> None:
        file.mkdir()
        with pytest.raises(OSError):
            snapshot.write(file, [TEXT])
        assert [*file.parent.iterdir()] == [file]

    def test_can_be_read_by_those_who_may_read_other_files(self, file: Path) -> None:
        other = file.with_name("other")
        other.touch()
        snapshot.write(file, [TEXT])
        assert file.stat().st_mode == other.stat().st_mode


class TestJunk:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "Input data was truncated"),
            (b"<html>", "malformed"),
            (b'{"version": 2, "prompts": []}', "$.version"),
            (b'{"version": 1}', "missing required field `prompts`"),
            (b'{"version": 1, "prompts": [{"name": "p", "version": 0, "prompt": "x"}]}', r"$.prompts[0].version"),
            (b'{"version": 1, "prompts": [{"name": "p", "version": 1, "type": "chat", "prompt": "x"}]}', "chat"),
            (b'{"version": 1, "prompts": ' + b"[" * 100_000, "can"),
            (b"\x80\x04\x95.", "malformed"),
        ],
    )
    def test_is_refused_and_says_where(self, file: Path, content: bytes, said: str) -> None:
        file.write_bytes(content)
        with pytest.raises(SettingsError) as caught:
            snapshot.load(file)
        assert caught.value.variable == "LANGFUSE_PROMPT_SNAPSHOT"
        assert str(file) in str(caught.value)
        assert said in str(caught.value)

    def test_a_file_that_is_not_there(self, file: Path) -> None:
        with pytest.raises(SettingsError, match="No such file"):
            snapshot.load(file)
