"""Secrets out of text that people may read: logs, errors, ``doctor``."""

from __future__ import annotations

import re

MASK = "***"

# Keys first by their prefix (Langfuse, OpenAI, Anthropic, GitHub, AWS, Google), then by the place where one stands.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(sk|rk)-(lf-|ant-|proj-|or-)?[A-Za-z0-9_\-]{8,}"), MASK),
    (re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{16,}|AKIA[A-Z0-9]{12,}|AIza[A-Za-z0-9_\-]{20,})"), MASK),
    (re.compile(r"(?i)\b(basic|bearer)\s+[A-Za-z0-9+/=_\-.~]{8,}"), r"\1 " + MASK),
    (re.compile(r"(?i)((?:secret|api)[_-]?key|password|token)(['\"]?\s*[:=]\s*['\"]?)[^\s'\",&]{4,}"), r"\1\2" + MASK),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.\-]*://)[^/\s:@]+:[^/\s@]+@"), r"\1" + MASK + "@"),
)


def redact(text: str) -> str:
    """``text`` with API keys, authorization values and passwords in URLs replaced by ``***``."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
