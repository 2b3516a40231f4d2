"""Content blocks of all makers and frameworks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from langfuse_otel.instrumentation.typed_blocks import part_of, parts_of

CALL = {"type": "tool_call", "name": "weather", "arguments": {"city": "Ulm"}, "id": "t1"}
TOOL = {"id": "t1", "name": "weather"}
PNG = "data:image/png;base64,aGk="
IMAGE = {"type": "blob", "modality": "image", "content": "aGk=", "mime_type": "image/png"}
BY_URL = {"type": "uri", "modality": "image", "uri": "https://pics.test/1"}
DOCUMENT = {"type": "file", "modality": "document", "file_id": "f1"}


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "text", "text": "Hi"}, {"type": "text", "content": "Hi"}),
        ({"type": "input_text", "text": "Hi"}, {"type": "text", "content": "Hi"}),
        ({"type": "output_text", "text": "Hi"}, {"type": "text", "content": "Hi"}),
        ({"type": "refusal", "refusal": "No"}, {"type": "refusal", "content": "No"}),
        ({"type": "thinking", "thinking": "Hm"}, {"type": "reasoning", "content": "Hm"}),
        ({"type": "reasoning", "reasoning": "Hm"}, {"type": "reasoning", "content": "Hm"}),
        ({"type": "tool_use", **TOOL, "input": {"city": "Ulm"}}, CALL),
        ({"type": "tool_call", **TOOL, "args": {"city": "Ulm"}}, CALL),
        ({"type": "tool_call_chunk", **TOOL, "args": '{"city": "Ulm"}'}, CALL),
        ({"type": "image_url", "image_url": {"url": PNG}}, IMAGE),
        ({"type": "image_url", "image_url": PNG}, IMAGE),
        ({"type": "input_image", "image_url": PNG}, IMAGE),
        ({"type": "image", "base64": "aGk=", "mime_type": "image/png"}, IMAGE),
        ({"type": "image", "source": {"type": "base64", "data": "aGk=", "media_type": "image/png"}}, IMAGE),
        ({"type": "image", "url": "https://pics.test/1"}, BY_URL),
        ({"type": "image", "source": {"type": "url", "url": "https://pics.test/1"}}, BY_URL),
        ({"type": "file", "file": {"file_id": "f1"}}, DOCUMENT),
        ({"type": "file", "file_id": "f1"}, DOCUMENT),
        ({"type": "input_file", "file_id": "f1"}, DOCUMENT),
        ({"type": "document", "source": {"type": "file", "file_id": "f1"}}, DOCUMENT),
        ({"type": "document", "source": {"type": "text", "data": "Hi"}}, {"type": "text", "content": "Hi"}),
    ],
)
def test_the_same_thing_is_the_same_part_by_any_name(block: dict[str, Any], part: dict[str, Any]) -> None:
    assert part_of(block) == part
    assert part_of(SimpleNamespace(**block)) == part


@pytest.mark.parametrize(
    "block", [{"type": "hologram", "depth": 3}, {"type": "image", "pixels": [0, 1]}, {"type": "document", "name": "a"}]
)
def test_what_is_not_known_is_shown_as_it_is(block: dict[str, Any]) -> None:
    assert part_of(block) == block


TEXT, PICTURE = {"type": "text", "text": "22"}, {"type": "image", "url": "https://pics.test/1"}


@pytest.mark.parametrize(
    ("content", "response"),
    [
        ("22", "22"),
        ([TEXT, TEXT], "2222"),
        ([TEXT, PICTURE], [{"type": "text", "content": "22"}, BY_URL]),
        (None, ""),
    ],
)
def test_a_tools_answer_is_its_text_or_all_of_its_parts(content: Any, response: Any) -> None:
    answer = part_of({"type": "tool_result", "tool_use_id": "t1", "content": content})
    assert answer == {"type": "tool_call_response", "id": "t1", "response": response}


def test_tools_that_the_provider_runs_are_told_apart() -> None:
    call = part_of({"type": "server_tool_use", "id": "s1", "name": "search", "input": {}})
    found = part_of({"type": "web_search_tool_result", "tool_use_id": "s1", "content": []})
    assert (call["type"], call["name"], call["id"]) == ("server_tool_call", "search", "s1")
    assert (found["type"], found["id"]) == ("server_tool_call_response", "s1")


@pytest.mark.parametrize("content", [None, "", [], 3, {"type": "text"}])
def test_what_is_no_content_has_no_parts(content: Any) -> None:
    assert parts_of(content) == []


@pytest.mark.parametrize("block", [None, 3, "text", object(), {}, {"type": None}])
def test_what_is_no_block_is_unknown(block: Any) -> None:
    assert part_of(block)["type"] == "unknown"
