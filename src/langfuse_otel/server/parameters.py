"""Query parameters, read as what they stand for; a value that does not fit is a 400 that names the parameter."""

from __future__ import annotations

import math
from collections.abc import Collection

from starlette.requests import Request

from langfuse_otel.server.moments import parse_iso
from langfuse_otel.server.problem import invalid
from langfuse_otel.server.queries import Where


def whole(request: Request, name: str, default: int, *, most: int) -> int:
    """A whole number from 1 to ``most``."""
    text = request.query_params.get(name)
    return default if text is None else parse_whole(name, text, most=most)


def parse_whole(name: str, text: str, *, most: int) -> int:
    """A text as a whole number from 1 to ``most``."""
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= most):
        raise invalid(f"{name}: expected a whole number from 1 to {most}")
    return int(text)


def number(request: Request, name: str) -> float | None:
    """A finite number; None when not given."""
    text = request.query_params.get(name)
    return None if text is None else finite(name, text)


def finite(name: str, text: str) -> float:
    """A text as a finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise invalid(f"{name}: expected a number")
    return value


def moment_ms(request: Request, name: str) -> int | None:
    """An ISO 8601 moment with ``T`` and a zone, in milliseconds; None when not given."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return parse_iso(text)
    except ValueError as error:
        raise invalid(f"{name}: {error}") from error


def between(request: Request, where: Where, column: str, first: str, end: str) -> None:
    """A condition that ``column`` is at or after the moment ``first`` and before the moment ``end``, where given."""
    for name, operator in ((first, ">="), (end, "<")):
        value_ms = moment_ms(request, name)
        if value_ms is not None:
            where.add(f"{column} {operator} ?", value_ms)


def flag(request: Request, name: str) -> bool | None:
    """``true`` or ``false``; None when not given."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if text.lower() not in ("true", "false"):
        raise invalid(f"{name}: expected true or false")
    return text.lower() == "true"


def words(request: Request, name: str) -> list[str]:
    """Texts separated by commas; empty when not given."""
    return [word.strip() for word in request.query_params.get(name, "").split(",") if word.strip()]


def one_of(name: str, value: str, known: Collection[str]) -> str:
    """``value`` when it is one of ``known``."""
    if value not in known:
        raise invalid(f"{name}: {value!r:.100} is none of {', '.join(known)}")
    return value
