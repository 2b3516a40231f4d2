"""Prompts inside prompts, resolved here, with the local server's resolution as the oracle."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.errors import InvalidRequestError, NotFoundError, TimedOutError
from langfuse_otel.prompts import composition
from langfuse_otel.prompts.body import content_body
from langfuse_otel.prompts.composition import is_composed, resolve
from langfuse_otel.prompts.models import ChatMessage, ChatPrompt, Placeholder, Prompt, Selector, TextPrompt
from langfuse_otel.server import prompt_composition as server
from langfuse_otel.server.records import Prompt as Stored


def tag(name: str, which: str = "label=production") -> str:
    return f"@@@langfusePrompt:name={name}|{which}@@@"


def text(name: str, template: str, version: int = 1, *labels: str) -> TextPrompt:
    return TextPrompt(name=name, version=version, prompt=template, labels=labels or ("production",))


class Shelf(list[Prompt]):
    """Prompts to find things in; ``asked`` has what was looked for."""

    def __init__(self, *prompts: Prompt) -> None:
        super().__init__(prompts)
        self.asked: list[str] = []

    def find(self, selector: Selector) -> Prompt:
        self.asked.append(str(selector))
        for one in self:
            if one.name == selector.name and (one.version == selector.version or selector.label in one.labels):
                return one
        raise NotFoundError("nowhere", status=404)


def resolved(root: Prompt, *others: Prompt) -> Any:
    return resolve(root, Shelf(root, *others).find).prompt


class TestResolving:
    def test_labels_and_versions(self) -> None:
        root = text("root", f"{tag('leaf')} and {tag('leaf', 'version=2')}")
        assert resolved(root, text("leaf", "first"), text("leaf", "second", 2, "beta")) == "first and second"

    def test_over_several_levels(self) -> None:
        assert resolved(text("a", f"<{tag('b')}>"), text("b", f"({tag('c')})"), text("c", "{{x}}")) == "<({{x}})>"

    def test_in_the_messages_of_a_chat(self) -> None:
        root = ChatPrompt(name="r", version=1, prompt=(ChatMessage("system", f"Be {tag('leaf')}"), Placeholder("h")))
        assert resolved(root, text("leaf", "kind")) == (ChatMessage("system", "Be kind"), Placeholder("h"))

    def test_everything_else_of_the_prompt_stays(self) -> None:
        root = TextPrompt(
            name="r", version=4, prompt=tag("leaf"), labels=("a",), tags=("t",), config_json=b"[1]", label="a"
        )
        done = resolve(root, Shelf(text("leaf", "L")).find)
        assert (done.version, done.labels, done.tags, done.config, done.label) == (4, ("a",), ("t",), [1], "a")

    def test_a_prompt_that_includes_nothing_is_returned_as_it_is(self) -> None:
        root = text("root", "no {{tags}} @@@langfusePrompt:nonsense@@@")
        assert not is_composed(root)
        assert resolve(root, Shelf().find) is root

    def test_what_is_included_twice_is_read_once(self) -> None:
        shelf = Shelf(text("leaf", "L"))
        assert resolve(text("root", tag("leaf") * 3), shelf.find).prompt == "LLL"
        assert shelf.asked == ["prompt 'leaf' with label 'production'"]

    def test_what_an_included_prompt_says_is_text_for_the_prompt_around_it(self) -> None:
        halves = text("root", f"{tag('open')}name=leaf|label=production@@@")
        assert "leaf" in resolved(halves, text("open", "@@@langfusePrompt:"), text("leaf", "never"))


class TestGuards:
    def broken(self, root: Prompt, *others: Prompt) -> str:
        with pytest.raises(InvalidRequestError) as caught:
            resolved(root, *others)
        assert caught.value.status == 409
        return str(caught.value)

    def test_a_prompt_that_includes_itself(self) -> None:
        assert "includes itself" in self.broken(text("a", tag("a")))

    def test_a_circle(self) -> None:
        assert "includes itself" in self.broken(text("a", tag("b")), text("b", tag("c")), text("c", tag("b")))

    def test_another_version_of_the_root_counts_as_a_circle(self) -> None:
        assert "includes itself" in self.broken(text("a", tag("a", "version=2")), text("a", "harmless", 2, "x"))

    def test_five_levels_and_no_more(self) -> None:
        chain = [text(f"p{level}", tag(f"p{level + 1}")) for level in range(4)]
        assert resolved(*chain, text("p4", "deep")) == "deep"
        chain.append(text("p4", tag("p5")))
        assert "deeper than 5" in self.broken(*chain, text("p5", "too deep"))

    def test_a_missing_one_is_no_sign_that_the_prompt_itself_is_gone(self) -> None:
        assert "prompt 'leaf' with label 'x' is included, but does not exist" in self.broken(
            text("root", tag("leaf", "label=x"))
        )

    @pytest.mark.parametrize("which", ["version=0", "label=", "label= "])
    def test_one_that_cannot_exist(self, which: str) -> None:
        assert "cannot exist" in self.broken(text("root", tag("leaf", which)))

    def test_a_chat_cannot_be_included(self) -> None:
        chat = ChatPrompt(name="c", version=1, prompt=(ChatMessage("user", "x"),), labels=("production",))
        assert "is not a text prompt" in self.broken(text("root", tag("c")), chat)

    def test_a_bomb_is_left_unexploded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(composition, "MAX_CHARACTERS", 1_000)
        levels = [text(f"p{level}", tag(f"p{level + 1}") * 10) for level in range(4)]
        assert "over 1000 characters" in self.broken(*levels, text("p4", "boom"))

    def test_an_outage_stays_an_outage(self) -> None:
        def find(selector: Selector) -> Prompt:
            raise TimedOutError("no answer")

        with pytest.raises(TimedOutError):
            resolve(text("root", tag("leaf")), find)


names = st.sampled_from(["a", "b", "c", "d", "nowhere"])
whichs = st.sampled_from(["version=1", "version=2", "label=production", "label=beta", "version=x", "other=1", "label"])
pieces = st.lists(st.one_of(st.builds(tag, names, whichs), st.sampled_from(["@@@", "text", "\n", "{{x}}", "|"])))
templates = pieces.map("".join)
chats = st.lists(st.builds(ChatMessage, st.just("user"), templates), max_size=2).map(tuple)
shelves = st.fixed_dictionaries({name: st.lists(st.one_of(templates, chats), max_size=2) for name in "abcd"})


@given(shelves)
def test_it_agrees_with_the_server_on_any_shelf(shelf: dict[str, list[Any]]) -> None:
    ours: list[Prompt] = []
    for name, contents in shelf.items():
        for version, content in enumerate(contents, start=1):
            common: dict[str, Any] = {
                "name": name,
                "version": version,
                "labels": (("production", "beta")[version - 1],),
            }
            kind = TextPrompt if isinstance(content, str) else ChatPrompt
            ours.append(kind(prompt=content, **common))

    def stored(prompt: Prompt) -> Stored:
        return Stored(
            id=f"{prompt.name}-{prompt.version}",
            name=prompt.name,
            version=prompt.version,
            type=prompt.type,
            prompt=content_body(prompt.prompt),
            config={},
            labels=[*prompt.labels],
            tags=[],
            commit_message=None,
            created_ms=0,
            updated_ms=0,
        )

    def find(reference: server.Reference) -> Stored | None:
        for prompt in ours:
            if prompt.name == reference.name and (
                prompt.version == reference.version or reference.label in prompt.labels
            ):
                return stored(prompt)
        return None

    for prompt in ours:
        try:
            expected = server.resolve(stored(prompt), find).prompt
        except server.CompositionError:
            with pytest.raises(InvalidRequestError):
                resolve(prompt, Shelf(*ours).find)
        else:
            assert content_body(resolve(prompt, Shelf(*ours).find).prompt) == expected
