"""What one version has that another has not."""

from __future__ import annotations

import dataclasses

from langfuse_otel.prompts.models import ChatMessage, ChatPrompt, Placeholder, TextPrompt

TEXT = TextPrompt(name="greet", version=1, prompt="Hello {{name}},\nhow are you?", config_json=b'{"temperature": 0}')
CHAT = ChatPrompt(name="agent", version=1, prompt=(ChatMessage("system", "Help {{name}}"), Placeholder("history")))


def test_a_text_line_by_line() -> None:
    later = dataclasses.replace(TEXT, version=2, prompt="Hello {{first}},\nhow are you?")
    changed = TEXT.diff(later)
    assert changed
    assert str(changed).splitlines() == [
        "--- greet 1",
        "+++ greet 2",
        "@@ -1,5 +1,5 @@",
        " [text]",
        "-Hello {{name}},",
        "+Hello {{first}},",
        " how are you?",
        " [config]",
        " {",
    ]


def test_names_that_callers_have_to_give_now_and_may_leave_out() -> None:
    later = dataclasses.replace(CHAT, prompt=(ChatMessage("system", "Help {{first}} {{last}}"), Placeholder("past")))
    changed = CHAT.diff(later)
    assert changed.added == ("first", "last", "past")
    assert changed.removed == ("name", "history")
    assert later.diff(CHAT).added == changed.removed


def test_messages_that_came_went_or_changed_their_role() -> None:
    later = dataclasses.replace(CHAT, prompt=(ChatMessage("developer", "Help {{name}}"), ChatMessage("user", "Hi")))
    changed = CHAT.diff(later).text.splitlines()[3:]
    assert changed == [
        "-[system]",
        "+[developer]",
        " Help {{name}}",
        "-[messages of placeholder history]",
        "+[user]",
        "+Hi",
    ]


def test_a_text_that_became_a_chat() -> None:
    changed = TEXT.diff(dataclasses.replace(CHAT, prompt=(ChatMessage("user", TEXT.prompt),))).text.splitlines()
    assert "-[text]" in changed
    assert "+[user]" in changed


def test_the_configuration_by_what_it_means_not_how_it_is_written() -> None:
    same = dataclasses.replace(TEXT, version=2, config_json=b'{ "temperature" :0}')
    assert not TEXT.diff(same)
    other = dataclasses.replace(TEXT, version=2, config_json=b'{"temperature": 1}')
    assert '+  "temperature": 1' in TEXT.diff(other).text


def test_where_a_version_stands_is_no_difference() -> None:
    other = dataclasses.replace(TEXT, version=2, labels=("x",), tags=("t",), commit_message="moved")
    unchanged = TEXT.diff(other)
    assert not unchanged
    assert (unchanged.text, unchanged.added, unchanged.removed) == ("", (), ())
