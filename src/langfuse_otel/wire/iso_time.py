"""Moments as the text that Langfuse reads: ISO 8601 with ``T``, microseconds and ``Z``."""

from __future__ import annotations

import datetime

_EPOCH = datetime.datetime(1970, 1, 1)
LAST_NS = 253_402_300_799 * 10**9
"""The last second of the year 9999; anything later is written as that."""


def iso_time(moment_ns: int) -> str:
    """Nanoseconds since 1970, cut to microseconds."""
    moment = _EPOCH + datetime.timedelta(microseconds=min(max(moment_ns, 0), LAST_NS) // 1_000)
    return moment.isoformat(timespec="microseconds") + "Z"
