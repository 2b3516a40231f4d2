"""Images, sound and files inside of messages: small images are shown, of everything else its type and size.

Nothing is ever loaded from elsewhere: an address stays text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from langfuse_otel.server.pages.formats import size

MAX_IMAGE_BYTES = 2_000_000
"""Of an image that is shown, as base64 text."""

_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*?(;base64)?,", re.ASCII)
_REFERENCE = re.compile(r"@@@langfuseMedia:type=([\w.+-]+/[\w.+-]+)\|id=([\w-]{1,100})\|source=\w+@@@", re.ASCII)
_SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]*", re.ASCII)
# Where the formats keep what they carry: OpenAI, Anthropic, OpenTelemetry, Gemini.
_PLACES = ("image_url", "input_audio", "file", "source", "inline_data", "inlineData")
_ADDRESSES = ("url", "uri", "file_url", "file_data", "image_url")
_DATA = ("data", "content")
_MIME_TYPES = ("media_type", "mime_type", "mimeType", "mediaType", "format")


@dataclass(frozen=True, slots=True)
class Media:
    """What to show: ``image`` is a data URI, the address of uploaded media, or None; ``note`` says what it is."""

    note: str
    image: str | None = None


def media(item: dict[str, Any]) -> Media:
    """Of a part of a message that carries an image, sound or a file."""
    kind = (_text(item, ("modality", "type")) or "file").removeprefix("input_").removesuffix("_url")
    inner = next((item[place] for place in _PLACES if item.get(place)), item)
    if isinstance(inner, str):
        return _of_address(kind, inner)
    if not isinstance(inner, dict):
        return Media(kind)
    address, data = _text(inner, _ADDRESSES), _text(inner, _DATA)
    if address:
        return _of_address(kind, address)
    mime_type = _text(inner, _MIME_TYPES)
    if data:
        return _of_data(kind, mime_type or "unknown type", data)
    name = _text(inner, ("filename", "file_id", "id"))
    return Media(" · ".join(word for word in (kind, mime_type, name) if word))


def _of_address(kind: str, address: str) -> Media:
    if uploaded := _REFERENCE.fullmatch(address):
        return _of_uploaded(kind, uploaded)
    found = _DATA_URI.match(address)
    if found is None:
        return Media(f"{kind} · {address}")
    return _of_data(kind, found[1] or "text/plain", address[found.end() :])


def _of_uploaded(kind: str, reference: re.Match[str]) -> Media:
    return Media(f"{kind} · {reference[1]}", f"/media/{reference[2]}" if reference[1] in _SHOWN else None)


def _of_data(kind: str, mime_type: str, data: str) -> Media:
    if uploaded := _REFERENCE.fullmatch(data):
        return _of_uploaded(kind, uploaded)
    note = f"{kind} · {mime_type} · {size(len(data) * 3 // 4)}"
    if mime_type not in _SHOWN or len(data) > MAX_IMAGE_BYTES or not _BASE64.fullmatch(data):
        return Media(note)
    return Media(note, f"data:{mime_type};base64,{data}")


def _text(source: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((source[name] for name in names if isinstance(source.get(name), str) and source[name]), None)
