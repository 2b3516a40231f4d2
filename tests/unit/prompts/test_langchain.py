"""Prompts as LangChain templates, which fill in what ``compile`` fills in."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.prompts.models import ChatMessage, ChatPrompt, Placeholder, TextPrompt

pytest.importorskip("langchain_core")
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.prompts import MessagesPlaceholder

CHAT = ChatPrompt(
    name="agent",
    version=2,
    prompt=(ChatMessage("system", "You help {{name}}"), Placeholder("history"), ChatMessage("user", "{{question}}")),
)


def text(template: str) -> TextPrompt:
    return TextPrompt(name="p", version=1, prompt=template)


class TestText:
    def test_variables_are_left_to_langchain(self) -> None:
        template = text("Hi {{ name }}, {{name}}: {{what}}").to_langchain()
        assert template.input_variables == ["name", "what"]
        assert template.format(name="Ada", what=1) == "Hi Ada, Ada: 1"

    def test_json_and_lone_braces_come_out_as_they_were_written(self) -> None:
        template = text('{"a": {"b": [{{x}}]}} } { {a} {0} {}').to_langchain()
        assert template.format(x=1) == '{"a": {"b": [1]}} } { {a} {0} {}'

    def test_a_name_that_langchain_cannot_take_stays_text(self) -> None:
        written = "{{a b}} {{x.__class__}} {{x[0]}} {{7}} {{}} {{x!r}}"
        template = text(written).to_langchain()
        assert template.input_variables == []
        assert template.format() == written

    def test_values_that_are_given_already_open_nothing(self) -> None:
        template = text("{{a}} {{b}}").to_langchain(a="{b} {{b}} {")
        assert template.input_variables == ["b"]
        assert template.format(b="x") == "{b} {{b}} { x"

    pieces = st.sampled_from(["{{a}}", "{{ b }}", "{{other one}}", "{", "}", "{a}", "{{", "}}", '{"k": 1}', "é", "\n"])

    @given(st.lists(pieces).map("".join), st.text(max_size=5), st.text(max_size=5))
    def test_it_formats_to_what_compile_gives(self, template: str, a: str, b: str) -> None:
        prompt = text(template)
        values = {**dict.fromkeys(prompt.to_langchain().input_variables, ""), "a": a, "b": b}
        assert prompt.to_langchain().format(**values) == prompt.compile(**values)
        assert prompt.to_langchain(a=a, b=b).format(**values) == prompt.compile(**values)


class TestChat:
    def test_placeholders_become_messages_placeholders(self) -> None:
        template = CHAT.to_langchain()
        assert sorted(template.input_variables) == ["history", "name", "question"]
        assert isinstance(template.messages[1], MessagesPlaceholder)
        history = [HumanMessage("before {x}"), AIMessage("yes")]
        assert template.format_messages(name="Ada", history=history, question="why {not}?") == [
            SystemMessage("You help Ada"),
            *history,
            HumanMessage("why {not}?"),
        ]

    def test_what_is_given_is_filled_in_and_the_rest_stays_open(self) -> None:
        template = CHAT.to_langchain(history=[{"role": "assistant", "content": "I said {this}"}], name="{Ada}")
        assert template.input_variables == ["question"]
        assert template.format_messages(question="?") == [
            SystemMessage("You help {Ada}"),
            AIMessage("I said {this}"),
            HumanMessage("?"),
        ]


def test_langfuses_own_callback_handler_finds_the_prompt() -> None:
    prompt = text("Hi {{name}}")
    assert prompt.to_langchain().metadata == {"langfuse_prompt": prompt}
    assert CHAT.to_langchain().metadata == {"langfuse_prompt": CHAT}


@pytest.mark.parametrize(
    "kind", ["TextPrompt(name='p', version=1, prompt='')", "ChatPrompt(name='p', version=1, prompt=())"]
)
def test_without_langchain_it_names_the_extra(kind: str) -> None:
    code = f"""
import sys
sys.modules["langchain_core"] = None
from langfuse_otel.errors import MissingExtraError
from langfuse_otel.prompts.models import ChatPrompt, TextPrompt
try:
    {kind}.to_langchain()
except MissingExtraError as error:
    print(error)
"""
    ended: Any = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.stdout == "langchain-core is not installed: pip install 'langfuse-otel[langchain]'\n", ended.stderr
