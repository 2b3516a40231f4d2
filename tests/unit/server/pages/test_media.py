from __future__ import annotations

from typing import Any

import pytest

from langfuse_otel.server.pages.media import MAX_IMAGE_BYTES, Media, media

PIXEL = "iVBORw0KGgo="
SHOWN = Media("image · image/png · 9 bytes", f"data:image/png;base64,{PIXEL}")


@pytest.mark.parametrize(
    "item",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": PIXEL},
    ],
)
def test_an_image_is_shown_in_whatever_form_it_comes(item: dict[str, Any]) -> None:
    assert media(item) == SHOWN


@pytest.mark.parametrize(
    ("item", "note"),
    [
        ({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}, "image · https://example.org/a.png"),
        ({"type": "uri", "modality": "video", "uri": "gs://b/c"}, "video · gs://b/c"),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, "audio · wav · 3 bytes"),
        ({"type": "file", "file": {"file_id": "file-9"}}, "file · file-9"),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}},
            "file · application/pdf · 3 bytes",
        ),
        ({"type": "image", "source": 7}, "image"),
        ({"type": "image"}, "image"),
    ],
)
def test_everything_else_is_a_note(item: dict[str, Any], note: str) -> None:
    assert media(item) == Media(note)


@pytest.mark.parametrize(
    "address",
    [
        "data:image/svg+xml;base64,AAAA",
        "data:text/html;base64,AAAA",
        'data:image/png;base64,A" onerror="alert(1)',
        "data:image/png;base64," + "A" * (MAX_IMAGE_BYTES + 1),
        "javascript:alert(1)",
    ],
)
def test_nothing_but_a_bounded_raster_image_is_ever_a_source(address: str) -> None:
    assert media({"type": "image_url", "image_url": {"url": address}}).image is None


UPLOADED = "@@@langfuseMedia:type=image/png|id=q2_w-Rt|source=base64_data_uri@@@"


@pytest.mark.parametrize(
    "item",
    [
        {"type": "image_url", "image_url": {"url": UPLOADED}},
        {"type": "input_image", "image_url": UPLOADED},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": UPLOADED}},
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": UPLOADED},
    ],
)
def test_an_uploaded_image_is_shown_from_this_server(item: dict[str, Any]) -> None:
    assert media(item) == Media("image · image/png", "/media/q2_w-Rt")


@pytest.mark.parametrize("reference", [UPLOADED.replace("png", "svg+xml"), UPLOADED.replace("q2_w-Rt", "../x")])
def test_what_is_uploaded_and_no_raster_image_or_not_here_is_no_source(reference: str) -> None:
    assert media({"type": "image_url", "image_url": {"url": reference}}).image is None
