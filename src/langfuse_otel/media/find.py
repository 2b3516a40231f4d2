"""Takes media out of an observation: base64 goes, a reference to the uploaded content stays in its place.

Found are, in input, output and metadata, in structures and in JSON text inside of texts:

    data:image/png;base64,…                                       anywhere in a text
    {"type": "base64", "media_type": "image/png", "data": …}      Anthropic
    {"type": "media", "mime_type": …, "data": …}                  Vertex
    {"inline_data": {"mime_type": …, "data": …}}                  Gemini, also in camel case
    {"type": "image", "mimeType": …, "data": …}                   tools that speak MCP
    {"type": "blob", "mime_type": …, "content": …}                OpenTelemetry
    {"input_audio": {"format": "wav", "data": …}}                 OpenAI
    a text that is base64 of a file with a known beginning        OpenAI's b64_json, Bedrock, Ollama, tools
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import msgspec

from langfuse_otel.json_encoding import to_text
from langfuse_otel.media.base64_text import MIN_CHARACTERS, decoded, may_have_base64
from langfuse_otel.media.content_types import BASE64_BEGINNINGS, CONTENT_TYPES, normal_type, type_of_base64
from langfuse_otel.media.medium import Field, Medium, sha256_base64
from langfuse_otel.observation import Message, Observation

MAX_MEDIUM_BYTES = 50_000_000
"""Default of the largest content that is uploaded; Langfuse's own limit is 1 GB."""

_FIELDS: tuple[Field, ...] = ("input", "output", "metadata")
_MAX_LEVELS = 10  # as the official SDK
_MAX_LEFT_CHARACTERS = 100_000  # of data that cannot be uploaded, lest they crowd out the rest of the observation

_TYPE_KEYS = ("media_type", "mime_type", "mimeType", "mediaType")
_DATA_KEYS = ("data", "content")
_URI_HEAD = r"data:([\w.+-]{1,100}/[\w.+-]{1,100})(?:;[\w.+=-]{1,100}){0,5}?;base64,"
_WHOLE_URI = re.compile(_URI_HEAD, re.ASCII)
_URI_IN_TEXT = re.compile(_URI_HEAD + r"([A-Za-z0-9+/_-]+={0,2})", re.ASCII)
_decode_json = msgspec.json.Decoder().decode

_Struct = TypeVar("_Struct", bound=msgspec.Struct)

Take: TypeAlias = Callable[[str, str], str]
"""Gets base64 and its media type ("" when only its beginning may say it), gives what to put in its place.

The same object says: leave it."""


def take_out(
    observation: Observation, max_medium_bytes: int = MAX_MEDIUM_BYTES
) -> tuple[Observation, tuple[Medium, ...]]:
    """The observation with references in place of its media, and the media; the very same observation without any.

    Left alone are data under 1 KiB, those below the tenth level of nesting, and those that Langfuse has no type for;
    of more than 100,000 characters of the latter, and of content over ``max_medium_bytes``, a note stays:
    ``[image/png, 61,000,000 bytes, left out: over the limit of 50,000,000 bytes]``.

    Never raises on JSON-safe values.
    """
    taker: _Taker | None = None
    changed: dict[str, Any] = {}
    for field in _FIELDS:
        value = getattr(observation, field)
        if value and not _is_plain(value):
            taker = taker or _Taker(observation, max_medium_bytes)
            taker.field = field
            without = _without(value, taker.take, 1)
            if without is not value:
                changed[field] = without
    if taker is None or not changed:
        return observation, ()
    return msgspec.structs.replace(observation, **changed), tuple(taker.media)


def _is_plain(value: Any) -> bool:
    """Whether it is what most observations have: texts, messages of text, flat metadata, and no base64 in those.

    A short cut. False only says that it takes a closer look.
    """
    if type(value) is list:
        for message in value:
            if type(message) is not Message or not _is_plain_text(message.content):
                return False
            if message.tool_calls is not None or message.extra is not None or message.reasoning_content is not None:
                return False
        return True
    if type(value) is dict:
        return all(map(_is_plain_text, value.values()))
    return _is_plain_text(value)


def _is_plain_text(value: Any) -> bool:
    if type(value) is str:
        return len(value) < MIN_CHARACTERS or not may_have_base64(value)
    return value is None or isinstance(value, (bool, int, float))


class _Taker:
    """Decides what becomes of each piece of base64 in one observation, and collects."""

    __slots__ = ("_max_bytes", "_observation", "field", "media")

    def __init__(self, observation: Observation, max_bytes: int) -> None:
        self._observation = observation
        self._max_bytes = max_bytes
        self.field: Field = "input"
        self.media: list[Medium] = []

    def take(self, data: str, content_type: str) -> str:
        """A ``Take``."""
        content_type = normal_type(content_type) or type_of_base64(data) or ""
        if not content_type:
            return data
        size_bytes = len(data) * 3 // 4
        if size_bytes > self._max_bytes + 2:  # the padding may make 2 more
            return _note(content_type, size_bytes, f"over the limit of {self._max_bytes:,} bytes")
        content = decoded(data)
        if content is None:  # text, whatever its neighbours say
            return data
        if content_type not in CONTENT_TYPES:
            if len(data) <= _MAX_LEFT_CHARACTERS:
                return data
            return _note(content_type, len(content), "Langfuse keeps no media of this type")
        trace_id, observation_id = self._observation.trace_id, self._observation.span_id
        medium = Medium(content, content_type, sha256_base64(content), trace_id, observation_id, self.field)
        self.media.append(medium)
        return medium.reference


def _note(content_type: str, size_bytes: int, reason: str) -> str:
    return f"[{content_type:.100}, {size_bytes:,} bytes, left out: {reason}]"


def _without(value: Any, take: Take, level: int) -> Any:
    """``value`` without its media; the same object if it has none. Nothing is changed in place."""
    kind = type(value)
    if kind is str:
        return value if len(value) < MIN_CHARACTERS else _text_without(value, take, level)
    if level > _MAX_LEVELS:
        return value
    if kind is list:
        return _list_without(value, take, level + 1)
    if kind is dict:
        return _dict_without(value, take, level + 1)
    if isinstance(value, msgspec.Struct):
        return _struct_without(value, take, level + 1)
    return value


def _list_without(items: list[Any], take: Take, level: int) -> list[Any]:
    changed: list[Any] | None = None
    for position, item in enumerate(items):
        without = _without(item, take, level)
        if without is not item:
            changed = changed or items.copy()
            changed[position] = without
    return changed or items


def _dict_without(fields: dict[str, Any], take: Take, level: int) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for key, value in fields.items():
        if type(value) is str:
            if len(value) < MIN_CHARACTERS:
                continue
            without: Any = take(value, content_type) if (content_type := _type_of(key, fields)) else value
            if without is value:
                without = _text_without(value, take, level)
        else:
            without = _without(value, take, level)
        if without is not value:
            changed[key] = without
    return {**fields, **changed} if changed else fields


def _type_of(key: str, fields: dict[str, Any]) -> str:
    """The media type that the neighbours of a long text say it has, or ""."""
    if key not in _DATA_KEYS or fields.get("type") == "text":  # Anthropic has documents of plain text
        return ""
    for type_key in _TYPE_KEYS:
        named = fields.get(type_key)
        if isinstance(named, str):
            return named
    audio_format = fields.get("format")
    return f"audio/{audio_format}" if isinstance(audio_format, str) else ""


def _struct_without(struct: _Struct, take: Take, level: int) -> _Struct:
    changed: dict[str, Any] = {}
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if value is None or (type(value) is str and len(value) < MIN_CHARACTERS):
            continue
        without = _without(value, take, level)
        if without is not value:
            changed[name] = without
    return msgspec.structs.replace(struct, **changed) if changed else struct


def _text_without(text: str, take: Take, level: int) -> str:
    if not may_have_base64(text):
        return text
    if text.startswith(BASE64_BEGINNINGS):
        return take(text, "")
    without = _uris_replaced(text, take) if ";base64," in text else text
    if level <= _MAX_LEVELS and without.lstrip()[:1] in ("[", "{"):
        return _json_without(without, take, level + 1)
    return without


def _uris_replaced(text: str, take: Take) -> str:
    whole = _WHOLE_URI.match(text)
    if whole:  # searching for the end of the data takes longer than everything else
        data = text[whole.end() :]
        instead = take(data, whole[1])
        if instead is not data:
            return instead

    def replaced(found: re.Match[str]) -> str:
        data = found[2]
        if len(data) < MIN_CHARACTERS:
            return found[0]
        instead = take(data, found[1])
        return found[0] if instead is data else instead

    without = _URI_IN_TEXT.sub(replaced, text)
    return text if without == text else without


def _json_without(text: str, take: Take, level: int) -> str:
    try:
        value = _decode_json(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text
    without = _without(value, take, level)
    return text if without is value else to_text(without)
