"""Attribute values as the types of an observation's fields.

Each function takes any attribute value and returns what it means, or None when it is empty or not usable as that type.
None of them raises: what is not usable stays visible in the observation's metadata.
"""

from __future__ import annotations

import datetime
import functools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from langfuse_otel.json_encoding import to_text
from langfuse_otel.json_safe import MAX_EXACT_INT, json_safe

_decode = msgspec.json.Decoder().decode
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,16}\s*", re.ASCII)
_ENVIRONMENT_MAX_CHARACTERS = 40


def text(value: object) -> str | None:
    """A text that is not empty."""
    if type(value) is str:
        return value or None
    return str.__str__(value) if isinstance(value, str) and value else None


def identifier(value: object) -> str | None:
    """A text that is not empty; an integer counts, since ids of users and sessions often are."""
    if type(value) is str:
        return value or None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**64:
        return str(value)
    return text(value)


def content(value: object) -> Any:
    """An input or output of any shape, if it is not empty. Text stays as it is, JSON or not."""
    if type(value) is str:
        return value or None
    if isinstance(value, str):
        return text(value)
    if value is None or (isinstance(value, (bytes, Sequence, Mapping)) and not value):
        return None
    return json_safe(value)


def count(value: object) -> int | None:
    """A number of tokens: an integer from 0 to 2^53, also as decimal text or as a float without a fraction."""
    if type(value) is int:
        return value if 0 <= value <= MAX_EXACT_INT else None
    if isinstance(value, str):
        value = int(value) if _INTEGER.fullmatch(value) else None
    elif isinstance(value, float):
        value = int(value) if value.is_integer() else None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_EXACT_INT:
        return value
    return None


def number(value: object) -> float | None:
    """A finite number that is not negative, also as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        parsed = float(value)
    except (ValueError, OverflowError):
        return None
    return parsed if math.isfinite(parsed) and parsed >= 0 else None


def flag(value: object) -> bool | None:
    """A bool, or the text ``true`` or ``false`` in any case."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def decoded(value: object) -> Any:
    """What a JSON text says, or a structured value as it is; None for anything else."""
    if isinstance(value, str):
        try:
            return _decode(value)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
    if value is None or isinstance(value, (bytes, bool, int, float)) or not isinstance(value, (Sequence, Mapping)):
        return None
    return json_safe(value)


def unquoted(value: object) -> object:
    """The text inside JSON quotes; anything else as it is."""
    found = decoded(value) if isinstance(value, str) and value.startswith('"') else None
    return found if isinstance(found, str) else value


def json_object(value: object) -> dict[str, Any] | None:
    """A JSON object that is not empty, from JSON text or structured."""
    found = decoded(value)
    return found if isinstance(found, dict) and found else None


def tags(value: object) -> tuple[str, ...] | None:
    """Tags, each once and in order, from a list, JSON text of a list, or text with commas."""
    if isinstance(value, str):
        listed = decoded(value)
        value = listed if isinstance(listed, list) else value.split(",")
    if not isinstance(value, (list, tuple)):
        return None
    names = [item.strip() if isinstance(item, str) else _json_text(item) for item in value if item is not None]
    return tuple(dict.fromkeys(filter(None, names))) or None


def _json_text(value: object) -> str:
    safe = json_safe(value)
    return safe if isinstance(safe, str) else to_text(safe)


def moment_ns(value: object) -> int | None:
    """Nanoseconds since 1970 of an ISO 8601 time, also inside JSON quotes. Without a zone it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = msgspec.convert(value.strip().strip('"'), datetime.datetime)
    except msgspec.ValidationError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    elapsed = moment - _EPOCH
    return ((elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds) * 1_000


@functools.lru_cache(maxsize=256)
def environment(name: str) -> str | None:
    """The environment's name as Langfuse accepts it, or None if nothing is left of it.

    Lower case, no leading ``langfuse``, at most 40 characters of ``a-z 0-9 - _`` (langfuse-api.md, section 3.7).
    Where the server would file ``Prod EU`` under ``default``, each run of other characters becomes a hyphen:
    ``prod-eu``.
    """
    name = re.sub(r"[^a-z0-9_-]+", "-", name.strip().lower())
    name = re.sub(r"^(langfuse[-_]?)+", "", name)[:_ENVIRONMENT_MAX_CHARACTERS]
    return name if name.strip("-_") else None
