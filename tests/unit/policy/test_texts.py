"""Every text inside a value is found, and nothing else is touched."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.observation import Message, ToolCall, ToolFunction
from langfuse_otel.policy.texts import any_text, each_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def hide(text: str) -> str:
    return text.replace("jane", "***")


@given(JSON)
def test_a_value_without_anything_to_replace_is_the_same_object(value: Any) -> None:
    assert each_text(value, lambda text: text) is value


@given(JSON)
def test_every_text_is_replaced_and_the_original_stays_as_it_was(value: Any) -> None:
    before = msgspec.json.encode(value)

    def texts(inner: Any) -> list[str]:
        if isinstance(inner, str):
            return [inner]
        items = inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else ()
        return [text for item in items for text in texts(item)]

    after = each_text(value, lambda text: "x")

    assert texts(after) == ["x"] * len(texts(after))
    assert len(texts(after)) >= len(texts(value))
    assert msgspec.json.encode(value) == before


@given(JSON, st.integers(0, 3))
def test_looking_sees_the_texts_that_replacing_would_reach(value: Any, min_characters: int) -> None:
    reached: list[str] = []
    each_text(value, lambda text: reached.append(text) or text)
    seen: list[str] = []

    assert not any_text([value], lambda text: bool(seen.append(text)), min_characters)
    assert sorted(seen) == sorted(text for text in reached if len(text) >= min_characters)
    assert any_text([value], lambda text: True) == bool(reached)


def test_looking_goes_through_messages_and_their_tool_calls() -> None:
    called = Message("assistant", None, tool_calls=[ToolCall(ToolFunction("f", '{"who": "jane"}'), "1")])

    assert any_text([[called]], lambda text: "jane" in text)


def test_texts_of_messages_and_their_tool_calls_are_replaced() -> None:
    message = Message(
        "assistant",
        [{"type": "text", "text": "hi jane"}],
        tool_calls=[ToolCall(ToolFunction("f", '{"who": "jane"}'), "1", {"by": "jane"})],
        reasoning_content="jane?",
    )
    before = msgspec.json.encode(message)

    assert b"jane" not in msgspec.json.encode(each_text([message], hide))
    assert msgspec.json.encode(message) == before


def test_keys_stay() -> None:
    assert each_text({"jane": "jane"}, hide) == {"jane": "***"}


def test_tuples_stay_tuples() -> None:
    assert each_text(("jane", "joe"), hide) == ("***", "joe")


@pytest.mark.parametrize("number", [10**12, 4111111111111111])
def test_a_long_number_is_replaced_like_its_digits(number: int) -> None:
    assert each_text([number], lambda text: "***" if text == str(number) else text) == ["***"]


def test_short_numbers_are_no_texts() -> None:
    assert each_text([10**12 - 1, -(10**15), True, 1.5, None], lambda text: "***") == [
        10**12 - 1,
        -(10**15),
        True,
        1.5,
        None,
    ]


def test_what_is_too_deep_becomes_a_text_that_is_replaced() -> None:
    value: Any = "jane"
    for _ in range(5_000):
        value = [value]
    assert "jane" not in str(msgspec.json.encode(each_text(value, hide)))

    value = ["jane"]
    for _ in range(70):
        value = [value]
    assert b"jane" not in msgspec.json.encode(each_text(value, hide))


def test_a_text_of_a_class_of_its_own_is_a_text() -> None:
    class Name(str):
        pass

    assert each_text(Name("jane"), hide) == "***"
