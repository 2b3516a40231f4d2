"""Any Python value as one that JSON can say, with nothing left out that a reader could still use.

JSON encoders differ in what they refuse or silently change (msgspec writes NaN as null and refuses lone surrogates).
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence, Set
from typing import Any

_MAX_DEPTH = 64
MAX_EXACT_INT = 2**53
"""Beyond it JavaScript, the server's language, rounds."""


def json_safe(value: Any, depth: int = 0) -> Any:
    """``value`` in JSON's types.

    NaN and infinities become the texts ``NaN``, ``Infinity`` and ``-Infinity``; integers beyond 2^53 become decimal
    text; bytes become their UTF-8 text, or base64 if they have none; a lone surrogate becomes its escape
    (``\\\\ud800``); other objects become ``str(value)``, as does everything below 64 levels of nesting. Never raises.
    """
    kind = type(value)  # nearly always one of these, and this is called for every attribute
    if kind is str:
        return value if value.isascii() else well_formed(value)
    if kind is bool or value is None:
        return value
    if isinstance(value, int):
        return int(value) if -MAX_EXACT_INT <= value <= MAX_EXACT_INT else _text(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _non_finite(value)
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _bytes_text(bytes(value))
    if depth < _MAX_DEPTH:
        if isinstance(value, (list, tuple, Sequence, Set)):
            return [json_safe(item, depth + 1) for item in value]
        if isinstance(value, Mapping):
            return {_text(key): json_safe(item, depth + 1) for key, item in value.items()}
    return _text(value)


def well_formed(text: str) -> str:
    """``text`` with each lone surrogate written as its escape, so that it can be encoded as UTF-8; exactly a
    ``str``.
    """
    if text.isascii():
        return text if type(text) is str else str.__str__(text)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _non_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _bytes_text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return base64.b64encode(data).decode("ascii")


def _text(value: object) -> str:
    try:
        return well_formed(str(value))
    except Exception as error:  # a __str__ that raises, or an integer past Python's own limit of digits
        return f"<{type(value).__name__}: {type(error).__name__}>"
