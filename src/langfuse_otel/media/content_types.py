"""What kinds of media Langfuse keeps, and how to tell the kind of data that come without a name for it."""

from __future__ import annotations

_SUBTYPES = {
    "image": "png jpeg jpg webp gif svg+xml tiff bmp avif heic",
    "audio": "mpeg mp3 wav ogg oga aac mp4 flac opus webm",
    "video": "mp4 webm ogg mpeg quicktime x-msvideo x-matroska",
    "text": "plain html css csv markdown x-python x-typescript",
    "application": "javascript x-yaml pdf msword vnd.ms-excel zip json xml octet-stream rtf x-ndjson gzip x-tar"
    " x-7z-compressed vnd.apache.parquet vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    " vnd.openxmlformats-officedocument.wordprocessingml.document"
    " vnd.openxmlformats-officedocument.presentationml.presentation",
}
CONTENT_TYPES = frozenset(f"{kind}/{name}" for kind, names in _SUBTYPES.items() for name in names.split())
"""All that the media API takes; it answers 400 to others (langfuse-api.md, section 5.5)."""

# Names for the same that providers and recorders use.
_ALIASES = {
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/x-flac": "audio/flac",
    "audio/x-aac": "audio/aac",
    "image/x-ms-bmp": "image/bmp",
    "image/heif": "image/heic",
    "text/json": "application/json",
    "text/xml": "application/xml",
    "text/javascript": "application/javascript",
    "text/rtf": "application/rtf",
    "application/yaml": "application/x-yaml",
    "application/x-pdf": "application/pdf",
    "application/x-gzip": "application/gzip",
}
# The first bytes of a file, as base64 spells them.
_BEGINNINGS = {
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "R0lGODdh": "image/gif",
    "R0lGODlh": "image/gif",
    "JVBERi0": "application/pdf",
    "SUQz": "audio/mpeg",
    "T2dnUw": "audio/ogg",
    "ZkxhQ": "audio/flac",
}
_RIFF = "UklGR"  # a container that says in its bytes 8 to 11 of what; the last three of them
_RIFF_TYPES = {"QVZF": "audio/wav", "RUJQ": "image/webp"}
BASE64_BEGINNINGS = (*_BEGINNINGS, _RIFF)
"""Base64 text that `type_of_base64` knows begins with one of these."""


def normal_type(content_type: str) -> str:
    """A media type in lower case, by the name that Langfuse has for it, without parameters (``; codecs=opus``)."""
    name = content_type.partition(";")[0].strip().lower()
    return _ALIASES.get(name, name)


def type_of_base64(text: str) -> str | None:
    """The media type that the first bytes of a file in base64 give away; None for others."""
    if text.startswith(_RIFF):
        return _RIFF_TYPES.get(text[12:16])
    return next((kind for beginning, kind in _BEGINNINGS.items() if text.startswith(beginning)), None)
