"""Numbers and moments as a reader wants them: durations, costs, counts, sizes, times of day."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LAST_MS = 253_402_200_000_000  # a day before the end of 9999: no time zone can push it over
_NONE = "–"
_MAX_COST_DIGITS = 12  # what Langfuse keeps


def duration(seconds: float | None) -> str:
    """``12 ms``, ``1.23 s``, ``2 m 05 s``, ``3 h 07 m``; a dash while it is unknown."""
    if seconds is None:
        return _NONE
    if seconds < 0.9995:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 59.995:
        return f"{seconds:.2f} s"
    minutes, rest_s = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest_s:02d} s"
    return f"{minutes // 60:,} h {minutes % 60:02d} m"


def cost(usd: float | None) -> str:
    """``$1.23``; below a dollar with three digits that matter, ``$0.000123``; a dash for none."""
    if not usd:
        return _NONE
    if usd >= 1:
        return f"${usd:,.2f}"
    digits = min(2 - math.floor(math.log10(abs(usd))), _MAX_COST_DIGITS)
    return f"${usd:.{max(digits, 2)}f}".rstrip("0")


def count(number: int | None) -> str:
    """``1,234``; a dash for none."""
    return f"{number:,}" if number else _NONE


def size(length_bytes: int) -> str:
    """``512 bytes``, ``1.5 kB``, ``2.0 MB``."""
    if length_bytes < 1000:
        return f"{length_bytes} bytes"
    return f"{length_bytes / 1000:.1f} kB" if length_bytes < 999_950 else f"{length_bytes / 1e6:,.1f} MB"


def moment(moment_ms: int) -> str:
    """Date and time to the second in this machine's zone, which is the reader's too."""
    return _local(moment_ms).strftime("%Y-%m-%d %H:%M:%S")


def exact_moment(moment_ms: int) -> str:
    """The same with milliseconds and the zone."""
    local = _local(moment_ms)
    return local.strftime("%Y-%m-%d %H:%M:%S.") + f"{local.microsecond // 1000:03d}" + local.strftime(" %Z")


def _local(moment_ms: int) -> datetime:
    return (_EPOCH + timedelta(milliseconds=min(max(moment_ms, 0), _LAST_MS))).astimezone()
