"""The parts of messages."""

from __future__ import annotations

import pytest

from langfuse_otel.instrumentation import messages as said


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("https://a/b.png", {"type": "uri", "modality": "image", "uri": "https://a/b.png"}),
        (
            "data:image/png;base64,aGk=",
            {"type": "blob", "modality": "image", "content": "aGk=", "mime_type": "image/png"},
        ),
        (
            "data:image/svg+xml;charset=utf-8;base64,aGk=",
            {"type": "blob", "modality": "image", "content": "aGk=", "mime_type": "image/svg+xml"},
        ),
        ("data:;base64,aGk=", {"type": "blob", "modality": "image", "content": "aGk="}),
        ("data:text/plain,hi", {"type": "uri", "modality": "image", "uri": "data:text/plain,hi"}),
        ("", {"type": "uri", "modality": "image", "uri": ""}),
    ],
)
def test_a_data_url_becomes_a_blob_and_any_other_address_a_uri(address: str, part: dict[str, str]) -> None:
    assert said.media("image", address) == part


@pytest.mark.parametrize(("given", "shown"), [('{"a": 1}', {"a": 1}), ("{a", "{a"), ("", ""), (None, None)])
def test_arguments_are_shown_as_an_object_where_they_are_json(given: object, shown: object) -> None:
    assert said.tool_call("1", "f", given)["arguments"] == shown


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"base64": "aGk=", "mime_type": "image/png"}, said.blob("image", "aGk=", "image/png")),
        ({"url": "https://a/b.png", "file_id": "f1"}, said.uri("image", "https://a/b.png")),
        ({"file_id": "f1"}, said.file("image", "f1")),
        ({}, said.file("image", "")),
    ],
)
def test_media_is_shown_in_the_way_it_is_given(given: dict[str, str], part: dict[str, str]) -> None:
    assert said.any_media("image", **given) == part
