"""The link from an observation to the version of a prompt: a name and a version, or nothing."""

from __future__ import annotations

from langfuse_otel.conventions import values
from langfuse_otel.conventions.reader import Reader

MAX_VERSION = 65_535
"""Langfuse keeps a prompt's version in 16 bits."""


def offer(reader: Reader, name_key: str, version_key: str) -> None:
    """Offer the link that two of the convention's parts make.

    A version may be decimal text (that is how ``gen_ai.prompt.version`` is written). A name without a version, a
    version that is a label, and one that is not from 1 to 65,535 make no link that the server would accept: both
    attributes stay metadata then.
    """
    parts = reader.mine
    name, version = values.text(parts.get(name_key)), values.count(parts.get(version_key))
    if name is not None and version is not None and 1 <= version <= MAX_VERSION and reader.wants("prompt_name"):
        del parts[name_key], parts[version_key]
        reader.offer("prompt_name", name)
        reader.offer("prompt_version", version)
