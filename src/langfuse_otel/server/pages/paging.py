"""Which page of a list a query asks for."""

from __future__ import annotations

from starlette.datastructures import QueryParams

from langfuse_otel.server.queries import Page

_MAX_DIGITS = 9  # what SQLite's integers hold with room to spare


def page_of(query: QueryParams, size: int = 50) -> Page:
    """The page that a query asks for; the first one if it asks for nothing sensible."""
    asked = query.get("page", "1")
    fits = asked.isascii() and asked.isdecimal() and len(asked) <= _MAX_DIGITS
    return Page(max(int(asked), 1) if fits else 1, size)
