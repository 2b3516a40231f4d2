"""Semantic-convention messages as chat messages: by the quick way and by the thorough one."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from langfuse_otel.conventions import messages


def chat(*items: object, as_json: bool = True) -> Any:
    """The chat messages of these messages, as JSON shows them."""
    found = messages.conversation(json.dumps(items) if as_json else list(items))
    return msgspec.json.decode(msgspec.json.encode(found))


def one(*parts: object, **keys: object) -> Any:
    (message,) = chat({"role": "user", "parts": list(parts), **keys})
    return message


COMMON = [
    {"role": "system", "parts": [{"type": "text", "content": "be"}, {"type": "text", "content": "nice"}]},
    {
        "role": "assistant",
        "name": "planner",
        "finish_reason": "tool_call",
        "parts": [
            {"type": "reasoning", "content": "hm"},
            {"type": "text", "content": "wait"},
            {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Paris"}},
            {"type": "tool_call", "id": "c2", "name": "time", "arguments": '{"zone": 1}'},
            {"type": "tool_call", "name": "ping"},
        ],
    },
    {
        "role": "tool",
        "parts": [
            {"type": "tool_call_response", "id": "c1", "response": "rain"},
            {"type": "tool_call_response", "id": "c2", "response": {"hour": 12}},
        ],
    },
    {"role": "user", "parts": []},
]


def call(id_: str | None, name: str, arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "function", "function": {"name": name, "arguments": arguments}}
    return found if id_ is None else {**found, "id": id_}


def test_the_common_parts_become_openai_messages() -> None:
    assert chat(*COMMON) == [
        {"role": "system", "content": "be\nnice"},
        {
            "role": "assistant",
            "name": "planner",
            "content": "wait",
            "reasoning_content": "hm",
            "finish_reason": "tool_call",
            "tool_calls": [
                call("c1", "weather", '{"city":"Paris"}'),
                call("c2", "time", '{"zone": 1}'),
                call(None, "ping", "{}"),
            ],
        },
        {"role": "tool", "content": "rain", "tool_call_id": "c1"},
        {"role": "tool", "content": '{"hour":12}', "tool_call_id": "c2"},
        {"role": "user", "content": None},
    ]


def test_the_thorough_way_reads_the_common_parts_alike() -> None:
    assert chat(*COMMON, as_json=False) == chat(*COMMON)


def test_an_answer_beside_text_is_a_message_of_its_own() -> None:
    text, answer = {"type": "text", "content": "and?"}, {"type": "tool_call_response", "id": "c", "response": "ok"}
    expected = [{"role": "tool", "content": "ok", "tool_call_id": "c"}, {"role": "user", "content": "and?"}]

    assert chat({"role": "user", "parts": [text, answer]}) == expected
    assert chat({"role": "user", "parts": [text, answer]}, as_json=False) == expected


def test_a_pydantic_ai_answer_has_result_and_name() -> None:
    assert one({"type": "tool_call_response", "id": "c", "name": "weather", "result": [1]}) == {
        "role": "tool",
        "content": "[1]",
        "tool_call_id": "c",
        "name": "weather",
    }


def test_a_server_tool_call_is_a_tool_call() -> None:
    part = {"type": "server_tool_call", "id": "s", "name": "search", "server_tool_call": {"type": "web", "q": "x"}}

    assert one(part)["tool_calls"] == [call("s", "search", '{"type":"web","q":"x"}')]


@pytest.mark.parametrize(
    ("part", "item"),
    [
        (
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "QUJD"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
        ),
        (
            {"type": "blob", "modality": "audio", "content": "QUJD"},
            {"type": "file", "file": {"file_data": "data:application/octet-stream;base64,QUJD"}},
        ),
        (
            {"type": "uri", "modality": "image", "uri": "https://x/y.png"},
            {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
        ),
        (
            {"type": "uri", "modality": "document", "uri": "gs://b/o.pdf"},
            {"type": "file", "file": {"file_url": "gs://b/o.pdf"}},
        ),
        ({"type": "file", "modality": "image", "file_id": "f-1"}, {"type": "file", "file": {"file_id": "f-1"}}),
    ],
)
def test_media_are_content_items_that_keep_their_other_keys(part: dict[str, Any], item: dict[str, Any]) -> None:
    kept = {key: part[key] for key in ("modality", "mime_type") if key in part}
    content = one({"type": "text", "content": "see"}, part)["content"]

    assert content == [{"type": "text", "text": "see"}, kept | item]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "compaction", "id": "c", "content": "short"},
        {"type": "generic", "generic_type": "x", "any": 1},
        {"type": "blob", "content": None},
        {"type": ["odd"]},
        {"no": "type"},
        {"type": "tool_call", "arguments": {}},
        "bare text",
        5,
    ],
)
def test_a_part_of_an_unknown_kind_is_content_as_it_is(part: object) -> None:
    content = one(part, {"type": "generic"})["content"]

    assert content[0] == ({"type": "text", "text": part} if isinstance(part, str) else part)


def test_unknown_keys_stay_with_what_they_belong_to() -> None:
    message = one(
        {"type": "text", "content": "hi", "cache": True},
        {"type": "tool_call", "id": 7, "name": "f", "arguments": {}, "signature": "s"},
        origin="memory",
    )

    assert message["content"] == [{"type": "text", "text": "hi", "cache": True}]
    assert message["tool_calls"][0]["extra"] == {"id": 7, "signature": "s"}
    assert message["extra"] == {"origin": "memory"}


def test_messages_in_the_chat_format_already_stay_as_they_are() -> None:
    items = [{"role": "user", "content": "hi"}, "text", 1]

    assert chat(*items) == items


@pytest.mark.parametrize("value", ["", "text", '{"role": "user"}', "[1,", '["\\ud800"]', "a\ud800", None, 5, b"[]"])
def test_what_is_no_list_is_none(value: object) -> None:
    assert messages.conversation(value) is None


def test_json_that_is_nested_too_deep_is_none() -> None:
    assert messages.conversation("[" * 200_000 + "]" * 200_000) is None


@pytest.mark.parametrize(
    "instructions",
    [
        "be\nnice",
        '"be\\nnice"',
        '[{"type": "text", "content": "be"}, {"type": "text", "content": "nice"}]',
        '[{"role": "system", "parts": [{"type": "text", "content": "be\\nnice"}]}]',
        '["be", "nice"]',
        [{"type": "text", "content": "be"}, "nice"],
    ],
)
def test_system_instructions_come_in_many_shapes(instructions: object) -> None:
    message = messages.system_message(instructions)

    assert message is not None
    assert (message.role, message.content) == ("system", "be\nnice")


@pytest.mark.parametrize("nothing", ["", "[]", None, []])
def test_no_instructions_are_no_message(nothing: object) -> None:
    assert messages.system_message(nothing) is None


@pytest.mark.parametrize(
    "instructions",
    [
        [{"role": "developer", "parts": [{"type": "text", "content": "be nice"}]}],
        [{"parts": [{"type": "text", "content": "be nice"}], "name": "editor"}, {"type": "text", "content": "now"}],
        [{"type": "tool_call_response", "id": "c", "response": "done"}, {"type": "text", "content": "be nice"}],
    ],
)
def test_system_instructions_that_say_more_than_one_message_can_stay_as_they_are(instructions: list[Any]) -> None:
    message = messages.system_message(instructions)

    assert message is not None
    assert isinstance(message.content, list)
    assert message.content[0] == instructions[0]


def test_a_blob_that_is_a_data_url_already_stays_one() -> None:
    part = {"type": "blob", "modality": "image", "mime_type": None, "content": "data:image/png;base64,AA=="}
    (message,) = messages.conversation(json.dumps([{"role": "user", "parts": [part]}])) or []

    assert message.content[0]["image_url"] == {"url": "data:image/png;base64,AA=="}
