"""The template language, with Langfuse's own SDK as the oracle."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langfuse_otel.errors import PromptCompileError
from langfuse_otel.prompts.models import ChatMessage, ChatPrompt, Placeholder, TextPrompt
from langfuse_otel.prompts.template import compile_text, fill_placeholder, variables

NAMES = ["a", "b", "name", "self", "{x", "", "ä", "a b"]
names = st.sampled_from(NAMES)
# Texts rich in what a template language can trip over: tags, halves of tags, and whitespace within them.
tags = st.builds(
    lambda left, name, right: f"{{{{{left}{name}{right}}}}}",
    st.sampled_from(["", " ", "\n"]),
    names,
    st.sampled_from(["", "\t "]),
)
texts = st.lists(st.one_of(tags, st.sampled_from(["{{", "}}", "{", "}", "\x85", " "]), st.text(max_size=5))).map(
    "".join
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts, st.lists(st.integers(), max_size=2))
messages = st.fixed_dictionaries(
    {}, optional={"role": st.text(max_size=3), "content": texts, "tool_calls": st.just([{"id": 1}])}
)
lists = st.lists(st.one_of(messages, st.text(max_size=3), st.none()), max_size=3)
values = st.dictionaries(names.filter(lambda name: name != "self"), st.one_of(scalars, lists), max_size=5)
parts = st.lists(
    st.one_of(st.builds(ChatMessage, st.text(max_size=4), texts), st.builds(Placeholder, names)), max_size=5
)


@pytest.fixture(autouse=True, scope="module")
def quiet_sdk() -> None:
    logging.getLogger("langfuse").setLevel(logging.CRITICAL)  # it warns at each of a thousand examples


class TestAgainstTheOfficialSDK:
    @settings(max_examples=1_000, deadline=None)
    @given(text=texts, values=values)
    def test_texts_compile_alike(self, text: str, values: dict[str, Any]) -> None:
        oracle = pytest.importorskip("langfuse.model").TemplateParser
        assert compile_text(text, values) == oracle.compile_template(text, values)
        assert variables(text) == oracle.find_variable_names(text)

    @settings(max_examples=1_000, deadline=None)
    @given(parts=parts, values=values)
    def test_chats_compile_alike(self, parts: list[ChatMessage | Placeholder], values: dict[str, Any]) -> None:
        pytest.importorskip("langfuse")
        from langfuse.api import Prompt_Chat
        from langfuse.model import ChatPromptClient

        stored = [
            {"type": "placeholder", "name": part.name}
            if isinstance(part, Placeholder)
            else {"type": "chatmessage", "role": part.role, "content": part.content}
            for part in parts
        ]
        oracle = ChatPromptClient(
            Prompt_Chat(name="p", version=1, prompt=stored, config={}, labels=[], tags=[], type="chat")  # type: ignore[arg-type]
        )
        ours = ChatPrompt(name="p", version=1, prompt=tuple(parts))
        assert ours.compile(**values) == oracle.compile(**values)
        assert list(ours.variables) == oracle.variables


class TestRules:
    @pytest.mark.parametrize(
        ("text", "values", "compiled"),
        [
            ("Hi {{ name }}!", {"name": "Ada"}, "Hi Ada!"),
            ("Hi {{name}}, {{name}}", {"name": 1}, "Hi 1, 1"),
            ("Hi {{name}}", {}, "Hi {{name}}"),
            ("Hi {{ name }}", {"other": 1}, "Hi {{ name }}"),
            ("[{{x}}]", {"x": None}, "[]"),
            ("{{{x}}}", {"x": 1}, "{{{x}}}"),
            ("{{a{{x}}", {"x": 1}, "{{a{{x}}"),
            ("{{}}|{{ }}", {"": "empty"}, "empty|empty"),
            ("{{x\n}} and {{open", {"x": 1}, "1 and {{open"),
            ("}} {{x}}", {"x": 1}, "}} 1"),
            ("{{a}}{{b}}", {"a": "{{b}}", "b": 2}, "{{b}}2"),
            ('{"json": {"a": {{x}}}}', {"x": 1}, '{"json": {"a": 1}}'),
            ("{{#if x}}y{{/if}}", {"x": 1}, "{{#if x}}y{{/if}}"),
            ("{{__class__}} {{x.__class__}}", {"x": 1}, "{{__class__}} {{x.__class__}}"),
            ("", {"x": 1}, ""),
        ],
    )
    def test_compile(self, text: str, values: dict[str, Any], compiled: str) -> None:
        assert compile_text(text, values) == compiled

    def test_millions_of_open_tags_take_linear_time(self) -> None:
        hostile = "{{" * 1_000_000
        assert compile_text(hostile, {"x": 1}) == hostile
        assert variables(hostile + "x}}") == [hostile[2:] + "x"]

    def test_self_and_text_are_variables_like_any_other(self) -> None:
        prompt = TextPrompt(name="p", version=1, prompt="{{self}} {{text}}")
        assert prompt.compile(self=1, text=2) == "1 2"

    def test_a_value_that_is_no_text_is_a_clear_error(self) -> None:
        class Broken:
            def __str__(self) -> str:
                raise ZeroDivisionError

        with pytest.raises(PromptCompileError, match="'x' \\(Broken\\)") as caught:
            compile_text("{{x}}", {"x": Broken()})
        assert isinstance(caught.value.cause, ZeroDivisionError)


class TestMissing:
    CHAT = ChatPrompt(
        name="p", version=2, prompt=(ChatMessage("system", "{{a}} {{b}} {{a}}"), Placeholder("h"), Placeholder("i"))
    )

    def test_what_has_no_value_stays_as_written_by_default(self) -> None:
        assert TextPrompt(name="p", version=1, prompt="{{ a }}{{b}}").compile(b=1) == "{{ a }}1"

    def test_or_leaves_nothing_behind(self) -> None:
        assert TextPrompt(name="p", version=1, prompt="[{{ a }}]{{b}}{{").compile(missing="empty", b=1) == "[]1{{"
        assert self.CHAT.compile(missing="empty", b=1) == [{"role": "system", "content": " 1 "}]

    def test_or_is_an_error_that_names_them_all(self) -> None:
        with pytest.raises(PromptCompileError, match="prompt 'p' version 2 is without a value: 'a', 'i'"):
            self.CHAT.compile(missing="error", b=1, h=[])
        assert len(self.CHAT.compile(missing="error", a=None, b=1, h=[], i=[])) == 1

    def test_what_others_wrote_into_messages_neither_fails_nor_vanishes(self) -> None:
        history = [{"role": "user", "content": "what is {{this}}?"}]
        for missing in ("error", "empty"):
            assert self.CHAT.compile(missing=missing, a=1, b=1, h=history, i=[])[1] == history[0]

    def test_a_policy_that_is_none_is_said(self) -> None:
        with pytest.raises(PromptCompileError, match="missing is 'eror', not one of 'keep', 'error', 'empty'"):
            self.CHAT.compile(missing="eror")
        with pytest.raises(PromptCompileError, match="missing is 'eror'"):
            self.CHAT.fill({}, missing="eror")  # type: ignore[arg-type]

    def test_a_variable_of_that_name_gets_its_value_as_in_the_sdk(self) -> None:
        prompt = TextPrompt(name="p", version=1, prompt="{{a}} {{missing}}")
        assert prompt.compile(missing="teeth") == "{{a}} teeth"
        assert prompt.compile(missing="error") == "{{a}} error"
        assert prompt.fill({"missing": "teeth"}, missing="empty") == " teeth"

    def test_any_name_can_be_filled_from_a_mapping(self) -> None:
        assert TextPrompt(name="p", version=1, prompt="{{a b}}{{self}}").fill({"a b": 1, "self": 2}) == "12"


class TestPlaceholders:
    def test_messages_keep_all_their_fields_and_get_the_variables(self) -> None:
        message = {"role": "assistant", "content": "{{x}}", "tool_calls": [{"id": "1"}]}
        assert fill_placeholder("h", {"h": [message], "x": 5}) == [{**message, "content": "5"}]
        assert message["content"] == "{{x}}"  # the caller's own is not changed

    def test_without_a_value_it_stays_and_that_is_said(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING, "langfuse_otel"):
            assert fill_placeholder("stays", {}) == [{"type": "placeholder", "name": "stays"}]
        assert "'stays'" in caplog.text

    def test_none_is_inserted_as_the_word(self) -> None:
        assert fill_placeholder("h", {"h": None}) == [{"role": "NOT_GIVEN", "content": "None"}]

    def test_an_empty_list_inserts_nothing(self) -> None:
        assert fill_placeholder("h", {"h": []}) == []

    def test_what_is_no_list_is_inserted_as_text(self) -> None:
        assert fill_placeholder("h", {"h": ("a",)}) == [{"role": "NOT_GIVEN", "content": "('a',)"}]

    @pytest.mark.parametrize("content", [None, [{"type": "text", "text": "hi {{x}}"}]])
    def test_content_that_is_no_text_is_kept_where_the_sdk_raises(self, content: object) -> None:
        message = {"role": "assistant", "content": content, "tool_calls": []}
        assert fill_placeholder("h", {"h": [message], "x": 1}) == [message]
