"""The short cut for plain messages: it says what the long way says, or leaves them to it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.conventions import chat_format, chat_messages, parts
from langfuse_otel.observation import Message, ToolCall, ToolFunction

CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{ "city": "Paris" }'}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://a.test/b.png"}}
TEXTS = st.sampled_from(("", "user", "tool", "stop", "[1]", '[{"type":"text","text":"a"}]'))
BLOCKS = st.sampled_from(
    ({"type": "text", "text": "a"}, {"type": "text", "text": 1}, IMAGE, {"type": "file"}, "a", None)
)
CALLS = st.sampled_from((CALL, {**CALL, "index": 0}, {**CALL, "id": 1}, {"function": {"name": "f"}}, {"name": "f"}, 1))
VALUES = st.one_of(st.none(), TEXTS, st.integers(0, 1), st.lists(BLOCKS, max_size=2), st.lists(CALLS, max_size=2))
KEYS = ("role", "content", "tool_calls", "tool_call_id", "name", "finish_reason", "reasoning_content", "refusal", "id")
MESSAGES = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5)
CHOICES = st.fixed_dictionaries(
    {"message": MESSAGES}, optional=dict.fromkeys(("index", "finish_reason", "logprobs", "role", "other"), VALUES)
)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"role": "system", "content": "Be brief."}, Message("system", "Be brief.")),
        ({"content": "hi"}, Message("user", "hi")),
        (
            {"role": "user", "content": [{"type": "text", "text": "hi"}, IMAGE]},
            Message("user", [{"type": "text", "text": "hi"}, IMAGE]),
        ),
        (
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "logprobs": None,
                "message": {"role": "assistant", "content": None, "refusal": None, "tool_calls": [CALL]},
            },
            Message(
                "assistant",
                None,
                None,
                [ToolCall(ToolFunction("weather", '{"city":"Paris"}'), "c1")],
                finish_reason="tool_calls",
            ),
        ),
        (
            {"role": "tool", "tool_call_id": "c1", "content": "18 °C"},
            Message("tool", "18 °C", tool_call_id="c1"),
        ),
    ],
    ids=["text", "no-role", "image", "choice", "tool-answer"],
)  # fmt: skip
def test_plain_messages_are_read_straight_away(item: dict[str, Any], message: Message) -> None:
    assert chat_format.message(item, "user") == message


@pytest.mark.parametrize(
    "item",
    [
        {"role": "user", "content": "hi", "cache_control": {"type": "ephemeral"}},
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "assistant", "parts": []},
        {"role": "assistant", "content": None, "tool_calls": [{**CALL, "index": 0}]},
        {"index": 0, "message": "hi"},
        "hi",
    ],
    ids=["unknown-key", "refusal", "parts", "unknown-key-of-call", "text-for-a-message", "text"],
)
def test_anything_else_is_left_to_the_long_way(item: Any) -> None:
    assert chat_format.message(item, "user") is None


@given(item=st.one_of(MESSAGES, CHOICES))
def test_it_never_says_anything_but_what_the_long_way_says(item: dict[str, Any]) -> None:
    straight = chat_format.message(item, "user")
    if straight is not None:
        assert [straight] == parts.conversation([chat_messages._with_parts(item, "user")])
