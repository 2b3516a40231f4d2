"""Media: what may be kept, where it belongs, and its bytes, which come after its description."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from typing import Annotated, Literal

import msgspec

from langfuse_otel.server.store import Store
from langfuse_otel.server.typed import convert

MAX_CONTENT_BYTES = 100_000_000
"""Of one content. Langfuse's own limit is 1 GB; here, contents are read into memory."""

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
"""All that Langfuse takes (langfuse-api.md, section 5.5)."""

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=800)]


class MediaBody(msgspec.Struct, kw_only=True, frozen=True, rename="camel"):
    """A description of media as clients send it; decoding raises msgspec.ValidationError when it breaks a rule."""

    trace_id: _Id
    observation_id: _Id | None = None
    field: Literal["input", "output", "metadata"]
    content_type: str
    content_length: Annotated[int, msgspec.Meta(ge=1, le=MAX_CONTENT_BYTES)]
    sha256_hash: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9+/]{43}=$")] = msgspec.field(name="sha256Hash")

    def __post_init__(self) -> None:
        if self.content_type not in CONTENT_TYPES:
            raise ValueError(f"contentType: Langfuse keeps no media of type {self.content_type[:100]!r}")

    @property
    def media_id(self) -> str:
        """The id that follows from the content."""
        return self.sha256_hash[:22].replace("+", "-").replace("/", "_")


class Media(msgspec.Struct, kw_only=True):
    """One row a content. ``upload_status`` is what the client said about its upload; None before."""

    id: str
    sha256: str
    content_type: str
    content_length: int
    uploaded_ms: int | None = None
    upload_status: int | None = None
    upload_error: str | None = None
    created_ms: int = 0

    @property
    def is_uploaded(self) -> bool:
        """Whether there is a content to be had."""
        return self.upload_status in (200, 201)


_SELECT = f"SELECT {', '.join(Media.__struct_fields__)} FROM media WHERE id = ?"


def describe(connection: sqlite3.Connection, body: MediaBody, now_ms: int) -> Media:
    """Keep what media will come, and where it belongs. The same content may belong to many observations."""
    connection.execute(
        "INSERT INTO media (id, sha256, content_type, content_length, created_ms) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET content_type = excluded.content_type WHERE upload_status IS NULL",
        (body.media_id, body.sha256_hash, body.content_type, body.content_length, now_ms),
    )
    connection.execute(
        "INSERT OR IGNORE INTO media_places VALUES (?, ?, ?, ?)",
        (body.media_id, body.trace_id, body.observation_id or "", body.field),
    )
    return _media(connection.execute(_SELECT, (body.media_id,)).fetchone())


def find_media(connection: sqlite3.Connection, media_id: str) -> Media | None:
    """A description by id."""
    row = connection.execute(_SELECT, (media_id,)).fetchone()
    return None if row is None else _media(row)


def read_content(connection: sqlite3.Connection, media_id: str) -> bytes | None:
    """The bytes, None while there are none."""
    row = connection.execute("SELECT content FROM media WHERE id = ?", (media_id,)).fetchone()
    return None if row is None else row[0]


def store_content(store: Store, media: Media, content: bytes) -> str | None:
    """Keep the bytes that were described; says what is wrong with them, or None."""
    if len(content) != media.content_length:
        return f"the content has {len(content)} bytes, {media.content_length} were announced"
    if base64.b64encode(hashlib.sha256(content).digest()).decode() != media.sha256:
        return "the content's SHA-256 is not the one that was announced"
    with store.write() as connection:
        connection.execute("UPDATE media SET content = ? WHERE id = ?", (content, media.id))
    return None


def mark_uploaded(
    connection: sqlite3.Connection, media_id: str, uploaded_ms: int, status: int, error: str | None
) -> bool:
    """Keep what the client says of its upload; False when there is no such media, or no content of what succeeded."""
    done = connection.execute(
        "UPDATE media SET uploaded_ms = ?2, upload_status = ?3, upload_error = ?4 "
        "WHERE id = ?1 AND (content IS NOT NULL OR ?3 NOT IN (200, 201))",
        (media_id, uploaded_ms, status, error),
    )
    return done.rowcount == 1


def _media(row: sqlite3.Row) -> Media:
    return convert(dict(row), Media)
