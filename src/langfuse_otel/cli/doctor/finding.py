"""What a check found: an outcome, a sentence about it, and for what is not well the way to mend it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Outcome(str, enum.Enum):
    """How bad it is. Only a fault makes ``doctor`` fail."""

    OK = "ok"
    NOTE = "note"  # worth knowing; works as it is
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        name: What was looked at.
        outcome: How it is.
        detail: What was seen. Printed after ``redact``.
        fix: What to do about it; every fault has one.
    """

    name: str
    outcome: Outcome
    detail: str
    fix: str = ""


def ok(name: str, detail: str) -> Finding:
    """All well."""
    return Finding(name, Outcome.OK, detail)


def note(name: str, detail: str, fix: str = "") -> Finding:
    """Works, but may surprise."""
    return Finding(name, Outcome.NOTE, detail, fix)


def fault(name: str, detail: str, fix: str) -> Finding:
    """Traces are lost or doubled until it is mended."""
    return Finding(name, Outcome.FAULT, detail, fix)
