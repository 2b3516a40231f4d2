"""What is found and taken out, and that nothing else changes."""

from __future__ import annotations

import base64
import hashlib
import json
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource

from langfuse_otel.json_safe import json_safe
from langfuse_otel.media.base64_text import MIN_CHARACTERS
from langfuse_otel.media.find import take_out
from langfuse_otel.media.medium import Medium
from langfuse_otel.observation import Message, Observation, ToolCall, ToolFunction

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
DATA = base64.b64encode(PNG).decode()
URI = f"data:image/png;base64,{DATA}"
_DIGEST = base64.urlsafe_b64encode(hashlib.sha256(PNG).digest()).decode()
REFERENCE = f"@@@langfuseMedia:type=image/png|id={_DIGEST[:22]}|source=base64_data_uri@@@"


def observation(**fields: Any) -> Observation:
    common = {"trace_id": "a" * 32, "span_id": "b" * 16, "name": "chat", "start_ns": 0, "end_ns": 1}
    return Observation(**{**common, "resource": Resource({}), **fields})


def taken(value: Any) -> tuple[Any, tuple[Medium, ...]]:
    found, media = take_out(observation(input=value))
    return found.input, media


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (URI, REFERENCE),
        ({"type": "image_url", "image_url": {"url": URI}}, {"type": "image_url", "image_url": {"url": REFERENCE}}),
        ({"type": "input_image", "image_url": URI}, {"type": "input_image", "image_url": REFERENCE}),
        ({"file": {"filename": "a", "file_data": URI}}, {"file": {"filename": "a", "file_data": REFERENCE}}),
        (
            {"source": {"type": "base64", "media_type": "image/png", "data": DATA}},
            {"source": {"type": "base64", "media_type": "image/png", "data": REFERENCE}},
        ),
        (
            {"type": "media", "mime_type": "image/png", "data": DATA},
            {"type": "media", "mime_type": "image/png", "data": REFERENCE},
        ),
        (
            {"inline_data": {"mime_type": "image/png", "data": DATA}},
            {"inline_data": {"mime_type": "image/png", "data": REFERENCE}},
        ),
        (
            {"inlineData": {"mimeType": "image/png", "data": DATA}},
            {"inlineData": {"mimeType": "image/png", "data": REFERENCE}},
        ),
        (
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": DATA},
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": REFERENCE},
        ),
        (
            {"type": "image", "mimeType": "image/png", "data": DATA},
            {"type": "image", "mimeType": "image/png", "data": REFERENCE},
        ),
        ({"b64_json": DATA}, {"b64_json": REFERENCE}),
        (
            {"image": {"format": "png", "source": {"bytes": DATA}}},
            {"image": {"format": "png", "source": {"bytes": REFERENCE}}},
        ),
        ({"images": [DATA]}, {"images": [REFERENCE]}),
        (f"See ![this]({URI}) here", f"See ![this]({REFERENCE}) here"),
    ],
)
def test_every_known_shape_is_found_and_only_the_data_replaced(shape: Any, expected: Any) -> None:
    for nest in (lambda v: v, lambda v: [v], lambda v: [{"role": "user", "content": [{"type": "text"}, v]}]):
        found, media = taken(nest(shape))
        assert found == nest(expected)
        assert [medium.content for medium in media] == [PNG]


def test_messages_are_searched_with_all_that_hangs_on_them() -> None:
    call = ToolCall(ToolFunction("show", json.dumps({"picture": URI})))
    messages = [
        Message("user", [{"type": "image_url", "image_url": {"url": URI}}]),
        Message("assistant", None, tool_calls=[call]),
        Message("tool", json.dumps([{"type": "image", "mimeType": "image/png", "data": DATA}])),
        Message("assistant", "no picture", extra={"preview": DATA}),
    ]
    found, media = taken(messages)
    assert len(media) == 4
    text = msgspec.json.encode(found).decode()
    assert text.count(REFERENCE) == 4
    assert DATA[:100] not in text
    assert json.loads(found[2].content)[0]["data"] == REFERENCE


def test_each_medium_says_where_it_was() -> None:
    found, media = take_out(observation(input=URI, output=[{"b64_json": DATA}], metadata={"picture": URI}))
    assert [medium.field for medium in media] == ["input", "output", "metadata"]
    assert {(m.trace_id, m.observation_id, m.content_type) for m in media} == {
        (found.trace_id, found.span_id, "image/png")
    }
    assert (found.input, found.output, found.metadata) == (REFERENCE, [{"b64_json": REFERENCE}], {"picture": REFERENCE})


def test_audio_is_found_by_its_format() -> None:
    audio = base64.b64encode(bytes(2_000)).decode()
    found, (medium,) = taken({"type": "input_audio", "input_audio": {"data": audio, "format": "mp3"}})
    assert medium.content_type == "audio/mp3"
    assert found["input_audio"]["data"].startswith("@@@langfuseMedia:type=audio/mp3|id=")


def test_the_official_sdk_reads_the_reference() -> None:
    sdk = pytest.importorskip("langfuse.media", reason="the Langfuse SDK needs Python 3.11")
    official = sdk.LangfuseMedia(base64_data_uri=URI)
    reference, (medium,) = taken(URI)
    assert reference == official._reference_string
    assert sdk.LangfuseMedia.parse_reference_string(reference)["media_id"] == medium.media_id
    assert medium.sha256 == official._content_sha256_hash


def test_json_text_inside_of_json_text_is_searched() -> None:
    inner = json.dumps({"result": json.dumps([{"media_type": "image/png", "data": DATA}])})
    found, (medium,) = taken([{"role": "tool", "content": inner}])
    assert json.loads(json.loads(found[0]["content"])["result"])[0]["data"] == REFERENCE
    assert medium.content == PNG


def test_nothing_is_changed_in_place_and_nothing_found_is_the_very_same_observation() -> None:
    shape = [{"role": "user", "content": [{"image_url": {"url": URI}}]}]
    before = msgspec.json.encode(shape)
    taken(shape)
    assert msgspec.json.encode(shape) == before
    plain = observation(
        input=[Message("user", "word " * 1_000)], output={"a": [1, 2.5, None, True]}, metadata={"k": "v"}
    )
    assert take_out(plain) == (plain, ())
    assert take_out(plain)[0] is plain


@pytest.mark.parametrize(
    "left",
    [
        "data:image/png;base64,iVBORw0KGgo=",  # tiny
        {"media_type": "image/png", "data": "not base64, a text of some length. " * 100},
        {"type": "text", "media_type": "text/plain", "data": "word" * 1_000},  # Anthropic's plain text documents
        {"type": "blob", "mime_type": "model/gltf-binary", "content": "A" * 5_000},
        "data:application/x-unheard-of;base64," + DATA,
        "x" * 5_000,
        "a,b;c" * 1_000,
        "[" * 5_000,
        json.dumps({"token": "x" * 5_000}),
        "@@@langfuseMedia:type=image/png|id=abc|source=bytes@@@",
    ],
)
def test_left_alone_is_what_is_small_unknown_or_no_base64(left: Any) -> None:
    assert taken(left) == (left, ())


def test_the_beginning_of_the_data_helps_out_where_the_type_is_none_of_langfuses() -> None:
    found, (medium,) = taken({"type": "blob", "mime_type": "image/x-portable", "content": DATA})
    assert (found["content"], medium.content_type) == (REFERENCE, "image/png")


def test_much_data_that_langfuse_has_no_type_for_becomes_a_note() -> None:
    data = base64.b64encode(bytes(90_000)).decode()
    found, media = taken({"type": "blob", "mime_type": "model/gltf-binary", "content": data})
    assert found["content"] == "[model/gltf-binary, 90,000 bytes, left out: Langfuse keeps no media of this type]"
    assert media == ()


def test_content_over_the_limit_becomes_a_note_and_content_at_the_limit_is_taken() -> None:
    assert take_out(observation(input=URI), len(PNG))[1][0].content == PNG
    found, media = take_out(observation(input=URI), len(PNG) - 10)
    assert (
        found.input == f"[image/png, {len(DATA) * 3 // 4:,} bytes, left out: over the limit of {len(PNG) - 10:,} bytes]"
    )
    assert media == ()


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_data_cut_off_by_a_limit_are_kept_as_far_as_they_go(cut: int) -> None:
    _, (medium,) = taken(URI.rstrip("=")[:-cut])
    assert PNG.startswith(medium.content)
    assert len(PNG) - len(medium.content) <= 5


def test_what_is_below_the_tenth_level_stays() -> None:
    deep: Any = {"media_type": "image/png", "data": DATA}
    for _ in range(10):
        deep = [deep]
    assert taken(deep) == (deep, ())
    for _ in range(10_000):
        deep = [deep]
    assert taken(deep)[1] == ()


@pytest.mark.parametrize(
    ("given_type", "kept_type"),
    [("IMAGE/PNG", "image/png"), ("audio/x-wav", "audio/wav"), ("audio/ogg; codecs=opus", "audio/ogg")],
)
def test_types_are_kept_under_the_name_that_langfuse_has_for_them(given_type: str, kept_type: str) -> None:
    _, (medium,) = taken({"mime_type": given_type, "data": DATA})
    assert medium.content_type == kept_type


# Drawn by size and seed, as hypothesis would take its time over so many bytes.
CONTENTS = st.builds(lambda size, seed: Random(seed).randbytes(size), st.integers(MIN_CHARACTERS, 3_000), st.integers())
URIS = CONTENTS.map(lambda content: "data:image/png;base64," + base64.b64encode(content).decode())
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | URIS
)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=10
)


def put_back(value: Any, contents: dict[str, str]) -> Any:
    text = json.dumps(value)
    for reference, uri in contents.items():
        text = text.replace(reference, uri)
    return json.loads(text)


@settings(max_examples=60, deadline=None)
@given(TREES)
def test_putting_the_media_back_gives_the_original(tree: Any) -> None:
    tree = json_safe(tree)
    without, media = taken(tree)
    uris = {m.reference: "data:image/png;base64," + base64.b64encode(m.content).decode() for m in media}
    assert put_back(without, uris) == tree


KEYS = st.sampled_from(["type", "data", "content", "mime_type", "media_type", "format", "inline_data", "text"])
PIECES = st.sampled_from(
    ["image/png", "base64", "text", DATA, DATA[:-3], URI, URI[:-1], json.dumps({"data": URI}), "{" + URI, "[" + DATA]
)
HOSTILE = st.recursive(
    PIECES | st.text() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(HOSTILE)
def test_nothing_that_json_can_say_raises(value: Any) -> None:
    without, media = taken(json_safe(value))
    msgspec.json.encode(without)
    assert all(medium.content for medium in media)
