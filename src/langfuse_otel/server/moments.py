"""Moments: whole milliseconds since 1970 inside, as the server's tables keep them, and ISO 8601 at the edges."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LAST_MS = 253_402_300_799_999  # the year 9999 ends; datetime knows nothing later


def now_ms() -> int:
    """The present."""
    return time.time_ns() // 1_000_000


def iso(moment_ms: int) -> str:
    """As Langfuse writes it: ``2026-11-21T06:00:00.000Z``."""
    moment = _EPOCH + timedelta(milliseconds=min(max(moment_ms, 0), _LAST_MS))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def optional_iso(moment_ms: int | None) -> str | None:
    """The same for a moment that may be missing."""
    return None if moment_ms is None else iso(moment_ms)


def parse_iso(text: str) -> int:
    """Milliseconds from ISO 8601 with ``T`` and a zone, cut.

    Raises:
        ValueError: Not such a text; Langfuse takes no other form.
    """
    if "T" not in text:
        raise ValueError("Invalid ISO datetime")
    day, _, rest = text.strip().partition("T")
    clock, zone = (rest[:-1], "+00:00") if rest.endswith(("Z", "z")) else (rest[:-6], rest[-6:])
    whole, dot, fraction = clock.partition(".")
    if dot and not fraction.isdigit():
        raise ValueError("Invalid ISO datetime")
    try:  # Python 3.10 reads neither "Z" nor fractions of another length than 3 or 6
        moment = datetime.fromisoformat(f"{day}T{whole}.{(fraction + '000000')[:6]}{zone}")
    except ValueError:
        raise ValueError("Invalid ISO datetime") from None
    if moment.tzinfo is None:
        raise ValueError("Invalid ISO datetime")
    return (moment - _EPOCH) // timedelta(milliseconds=1)
