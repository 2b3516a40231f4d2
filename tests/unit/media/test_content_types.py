"""The media types that Langfuse takes."""

from __future__ import annotations

import base64

import pytest

from langfuse_otel.media.content_types import BASE64_BEGINNINGS, CONTENT_TYPES, normal_type, type_of_base64


def test_they_are_those_of_the_official_sdk() -> None:
    official = pytest.importorskip("langfuse.api", reason="the Langfuse SDK needs Python 3.11")
    assert {kind.value for kind in official.MediaContentType} == CONTENT_TYPES


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x24\x08\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\xff\xff\xff\xffWEBPVP8 ", "image/webp"),
        (b"%PDF-1.7", "application/pdf"),
        (b"ID3\x04", "audio/mpeg"),
        (b"OggS\0", "audio/ogg"),
        (b"fLaC\0", "audio/flac"),
        (b"RIFF\0\0\0\0AVI LIST", None),
        (b"something else", None),
    ],
)
def test_a_files_beginning_gives_its_type_away(content: bytes, kind: str | None) -> None:
    text = base64.b64encode(content + bytes(20)).decode()
    assert type_of_base64(text) == kind
    assert kind is None or (kind in CONTENT_TYPES and text.startswith(BASE64_BEGINNINGS))


def test_names_are_brought_to_langfuses_form() -> None:
    assert normal_type(" Audio/X-WAV ; rate=8000") == "audio/wav"
    assert normal_type("image/png") == "image/png"
    assert normal_type("") == ""
