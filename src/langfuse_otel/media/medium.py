"""One piece of media of an observation, and the text that stands in its place."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Field: TypeAlias = Literal["input", "output", "metadata"]

MediaKey: TypeAlias = tuple[str, str, str, Field]


@dataclass(frozen=True, slots=True)
class Medium:
    """Bytes that one observation carries in one of its fields.

    Attributes:
        content: The bytes.
        content_type: One of ``CONTENT_TYPES``.
        sha256: Their hash in base64, 44 characters.
        trace_id: Of the observation.
        observation_id: Its id.
        field: Where in it they were.
    """

    content: bytes = field(repr=False)
    content_type: str
    sha256: str
    trace_id: str
    observation_id: str
    field: Field

    @property
    def media_id(self) -> str:
        """Langfuse's id of the content: the first 22 characters of its hash, safe in addresses."""
        return self.sha256[:22].replace("+", "-").replace("/", "_")

    @property
    def key(self) -> MediaKey:
        """What the server is told once: this content is in this place."""
        return (self.media_id, self.trace_id, self.observation_id, self.field)

    @property
    def reference(self) -> str:
        """What Langfuse's pages and SDKs show or fetch the content by (langfuse-api.md, section 5.5).

        The source is ``base64_data_uri`` for bare base64 as well, as the official SDK has it.
        """
        return f"@@@langfuseMedia:type={self.content_type}|id={self.media_id}|source=base64_data_uri@@@"


def sha256_base64(content: bytes) -> str:
    """The hash as the media API wants it."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode("ascii")
