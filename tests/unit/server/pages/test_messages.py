from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.server.pages.messages import Content, Message, Part, content

CALL = Part("call", '{\n  "id": 7\n}', "find")


def messages(value: Any) -> tuple[Message, ...]:
    return content(json.dumps(value)).messages


def only(value: Any) -> Message:
    (message,) = messages(value)
    return message


@pytest.mark.parametrize("raw", ["", "hello", "{broken", '"quoted"', "12"])
def test_text_stays_text(raw: str) -> None:
    assert content(raw) == Content(raw, text=raw)


@pytest.mark.parametrize("value", [{"query": "tea"}, [1, 2], [], {}, {"messages": []}, {"role": "admin", "id": 3}])
def test_json_that_is_no_conversation_is_laid_out(value: Any) -> None:
    found = content(json.dumps(value))
    assert (found.messages, found.text) == ((), None)
    assert found.json is not None and json.loads(found.json) == value


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda message: message,
        lambda message: [message],
        lambda message: {"messages": [message], "tools": []},
        lambda message: {"choices": [{"message": message, "index": 0}]},
    ],
)
def test_a_message_is_found_in_whatever_it_is_wrapped(wrapped: Any) -> None:
    assert only(wrapped({"role": "user", "content": "Hi"})) == Message("user", "user", [Part("text", "Hi")])


@pytest.mark.parametrize(
    ("given_role", "role"),
    [("developer", "system"), ("human", "user"), ("AI", "assistant"), ("function", "tool"), ("critic", "critic")],
)
def test_other_names_of_a_role_are_known_and_still_shown(given_role: str, role: str) -> None:
    found = only({"role": given_role, "content": "x"})
    assert (found.role, found.label) == (role, given_role)


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "tool_calls": [{"id": "c", "function": {"name": "find", "arguments": '{"id":7}'}}]},
        {"content": "", "function_call": {"name": "find", "arguments": '{"id":7}'}},
        {"content": [{"type": "tool_use", "id": "c", "name": "find", "input": {"id": 7}}]},
        {"parts": [{"type": "tool_call", "id": "c", "name": "find", "arguments": {"id": 7}}]},
        {"content": [{"type": "tool-call", "toolName": "find", "args": {"id": 7}}]},
    ],
)
def test_a_tool_call_has_its_name_and_its_arguments_laid_out(message: dict[str, Any]) -> None:
    assert CALL in only({"role": "assistant", **message}).parts


def test_an_answer_names_the_call_it_is_for_and_json_in_it_is_laid_out() -> None:
    found = only({"role": "tool", "tool_call_id": "call_9", "content": '{"id":7}'})
    assert found == Message("tool", "tool · call_9", [Part("json", '{\n  "id": 7\n}')])


def test_parts_of_opentelemetry_are_read() -> None:
    found = messages(
        [
            {"role": "user", "parts": [{"type": "text", "content": "Hi"}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "response": "done"}]},
            {"role": "assistant", "parts": [{"type": "reasoning", "content": "Hm"}], "finish_reason": "stop"},
        ]
    )
    assert [message.parts for message in found] == [
        [Part("text", "Hi")], [Part("answer", "done")], [Part("reasoning", "Hm")],
    ]  # fmt: skip
    assert found[2].label == "assistant · stop"


def test_items_of_the_responses_api_are_messages() -> None:
    found = messages(
        [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]},
            {"type": "function_call", "call_id": "c", "name": "find", "arguments": '{"id":7}'},
            {"type": "function_call_output", "call_id": "c", "output": "done"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]},
        ]
    )
    assert [(message.role, message.parts) for message in found] == [
        ("assistant", [Part("reasoning", "Hm")]),
        ("assistant", [CALL]),
        ("tool", [Part("answer", "done")]),
        ("assistant", [Part("text", "Hi")]),
    ]


def test_tools_come_with_name_description_and_schema() -> None:
    flat = {"type": "function", "name": "b", "description": "B.", "parameters": {"type": "object"}}
    nested = {"type": "function", "function": {**flat, "name": "a"}}
    found = content(json.dumps({"messages": [{"role": "user", "content": "Hi"}], "tools": [nested, flat, "odd"]}))
    assert [(tool.name, tool.description) for tool in found.tools] == [("a", "B."), ("b", "B."), ("tool", "")]
    assert found.tools[0].schema == '{\n  "type": "object"\n}'


def test_what_is_not_known_is_shown_as_json() -> None:
    found = content(json.dumps({"messages": [{"role": "user", "content": "Hi", "mood": "calm"}, 5], "temperature": 1}))
    assert found.messages[0].parts[1] == Part("json", '{\n  "mood": "calm"\n}')
    assert found.messages[1] == Message("other", "other", [Part("json", "5")])
    assert found.rest == '{\n  "temperature": 1\n}'


def test_an_image_is_shown_and_one_elsewhere_is_only_named() -> None:
    pictures = [
        {"type": "image_url", "image_url": {"url": url}} for url in ("data:image/gif;base64,AAAA", "https://x/")
    ]
    assert only({"role": "user", "content": pictures}).parts == [
        Part("image", "image · image/gif · 3 bytes", "data:image/gif;base64,AAAA"),
        Part("note", "image · https://x/"),
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
WORDS = [
    "role",
    "content",
    "parts",
    "type",
    "text",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "messages",
    "tools",
    "choices",
    "message",
    "image_url",
    "source",
    "summary",
    "call_id",
    "input",
    "output",
    "description",
    "parameters",
    "reasoning_content",
    "data",
]
KINDS = [
    "user",
    "assistant",
    "text",
    "reasoning",
    "tool_call",
    "tool_use",
    "tool_result",
    "function_call",
    "function_call_output",
    "image",
    "image_url",
    "blob",
    "file",
    "input_audio",
]
MESSAGE_LIKE = st.recursive(
    JSON | st.sampled_from(KINDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS), inner | st.sampled_from(KINDS), max_size=5)
    ),
    max_leaves=25,
)


@given(JSON | MESSAGE_LIKE)
def test_any_json_is_something_to_show(value: Any) -> None:
    raw = json.dumps(value)
    found = content(raw)
    assert found.raw == raw
    assert found.messages or found.json is not None or found.text is not None


@pytest.mark.parametrize("depth", [300, 900, 5000])
def test_deep_nesting_is_shown_somehow(depth: int) -> None:
    inner = "[" * depth + "]" * depth
    assert content(inner).raw == inner
    assert content(f'[{{"role": "user", "content": {inner}, "image_url": {inner}}}]').raw
