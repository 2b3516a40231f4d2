"""Prompts are immutable, tell who they are, and leave their mark on what they compile to."""

from __future__ import annotations

import dataclasses

import pytest

from langfuse_otel import provenance
from langfuse_otel.errors import InvalidRequestError, PromptCompileError
from langfuse_otel.prompts.models import ChatMessage, ChatPrompt, Placeholder, Selector, TextPrompt, chat_parts

TEXT = TextPrompt(name="greet", version=3, prompt="Hello {{name}}, how are you?", config_json=b'{"temperature": 0}')
CHAT = ChatPrompt(
    name="agent",
    version=2,
    prompt=(ChatMessage("system", "You help {{name}} today"), Placeholder("history"), ChatMessage("user", "{{q}}")),
)


class TestSelector:
    def test_production_is_the_default_label(self) -> None:
        assert Selector("p") == Selector("p", label="production")

    def test_it_says_what_it_selects(self) -> None:
        assert str(Selector("p", version=3)) == "prompt 'p' with version 3"
        assert str(Selector("p", label="beta")) == "prompt 'p' with label 'beta'"

    def test_a_version_and_a_label_named_alike_are_different(self) -> None:
        assert Selector("p", version=1) != Selector("p", label="1")

    @pytest.mark.parametrize("name", ["", "  ", ".", "..", "\ud800", None, 7, b"p"])
    def test_a_name_that_no_url_can_carry_is_refused(self, name: object) -> None:
        with pytest.raises(InvalidRequestError, match="name"):
            Selector(name)  # type: ignore[arg-type]

    @pytest.mark.parametrize("version", [0, -1, True, 1.0, "3"])
    def test_a_version_is_a_whole_number_from_one(self, version: object) -> None:
        with pytest.raises(InvalidRequestError, match="version"):
            Selector("p", version=version)  # type: ignore[arg-type]

    @pytest.mark.parametrize("label", ["", " ", "\ud800", 3])
    def test_a_label_is_a_word(self, label: object) -> None:
        with pytest.raises(InvalidRequestError, match="label"):
            Selector("p", label=label)  # type: ignore[arg-type]

    def test_version_and_label_together_are_refused(self) -> None:
        with pytest.raises(InvalidRequestError, match="not both"):
            Selector("p", version=1, label="production")


class TestSharing:
    def test_a_prompt_cannot_be_changed(self) -> None:
        with pytest.raises(dataclasses.FrozenInstanceError):
            TEXT.prompt = "other"  # type: ignore[misc]
        assert isinstance(CHAT.prompt, tuple)

    def test_changing_the_config_changes_no_one_elses(self) -> None:
        TEXT.config["temperature"] = 2
        assert TEXT.config == {"temperature": 0}

    def test_compiled_messages_are_new_each_time(self) -> None:
        CHAT.compile(q="?")[0]["content"] = "changed"
        assert CHAT.compile(q="?")[0]["content"] == "You help {{name}} today"


class TestContents:
    def test_variables_and_placeholders_are_listed(self) -> None:
        assert TEXT.variables == ("name",)
        assert TEXT.placeholders == ()
        assert CHAT.variables == ("name", "q")
        assert CHAT.placeholders == ("history",)

    def test_types_are_langfuses_words(self) -> None:
        assert (TEXT.type, CHAT.type) == ("text", "chat")

    def test_chat_messages_may_be_written_as_dicts(self) -> None:
        written = [
            {"role": "system", "content": "a"},
            {"type": "message", "role": "user", "content": "b"},
            {"type": "placeholder", "name": "h"},
            ChatMessage("user", "c"),
        ]
        expected = (ChatMessage("system", "a"), ChatMessage("user", "b"), Placeholder("h"), ChatMessage("user", "c"))
        assert chat_parts(written) == expected

    @pytest.mark.parametrize(
        "message", ["text", {}, {"role": "user"}, {"role": "user", "content": 3}, None, {"type": "placeholder"}]
    )
    def test_what_is_no_message_is_refused(self, message: object) -> None:
        with pytest.raises(InvalidRequestError, match="chat message"):
            chat_parts([message])

    def test_the_size_grows_with_the_text(self) -> None:
        larger = dataclasses.replace(TEXT, prompt="x" * 10_000)
        assert larger.size_bytes > TEXT.size_bytes + 9_000
        assert CHAT.size_bytes > len("You help {{name}} today")


class TestProvenance:
    def test_a_compiled_text_leads_back_to_its_prompt(self) -> None:
        text = TEXT.compile(name="Ada the First")
        assert provenance.recall(text) == provenance.PromptRef("greet", 3)

    def test_each_compiled_message_leads_back_but_not_the_callers_own(self) -> None:
        messages = CHAT.compile(name="Grace", history=[{"role": "user", "content": "my own words"}], q="what is new?")
        known = [provenance.recall(message["content"]) for message in messages]
        assert known == [provenance.PromptRef("agent", 2), None, provenance.PromptRef("agent", 2)]

    def test_a_fallback_is_never_linked(self) -> None:
        fallback = dataclasses.replace(TEXT, prompt="Fallback for {{name}}", is_fallback=True)
        assert provenance.recall(fallback.compile(name="Linus")) is None
        chat = dataclasses.replace(CHAT, prompt=(ChatMessage("user", "Fallback of {{name}}"),), is_fallback=True)
        (message,) = chat.compile(name="Linus")
        assert message["content"] == "Fallback of Linus"
        assert provenance.recall(message["content"]) is None

    def test_the_label_that_was_asked_for_is_remembered_but_makes_no_other_prompt(self) -> None:
        challenger = dataclasses.replace(TEXT, label="challenger")
        assert challenger == TEXT
        recalled = provenance.recall(challenger.compile(name="Ada the Second"))
        assert recalled is not None
        assert (recalled.name, recalled.version, recalled.label) == ("greet", 3, "challenger")


class TestOpenAI:
    def test_a_text_is_one_message_of_the_user(self) -> None:
        assert TEXT.to_openai(name="Ada") == [{"role": "user", "content": "Hello Ada, how are you?"}]

    def test_a_chat_is_its_messages(self) -> None:
        history = [{"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}]
        assert CHAT.to_openai(name="Ada", q="why?", history=history) == [
            {"role": "system", "content": "You help Ada today"},
            *history,
            {"role": "user", "content": "why?"},
        ]

    def test_a_placeholder_that_is_left_would_be_refused_and_is_an_error_here(self) -> None:
        with pytest.raises(PromptCompileError, match="placeholder 'history' has no messages"):
            CHAT.to_openai(name="Ada", q="?")
        assert len(CHAT.to_openai(missing="empty")) == 2
        assert len(CHAT.to_openai(history=[])) == 2

    @pytest.mark.parametrize("history", ["text", [{"content": "no role"}], ["text"], None])
    def test_so_are_messages_without_a_role(self, history: object) -> None:
        with pytest.raises(PromptCompileError, match="something else than messages"):
            CHAT.to_openai(history=history)
