"""Parts of lists: numbered pages, as most of Langfuse's endpoints have them, and cursors, as the newest have."""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

import msgspec
from starlette.requests import Request

from langfuse_otel.server import parameters
from langfuse_otel.server.problem import invalid
from langfuse_otel.server.queries import Page
from langfuse_otel.server.typed import decode

_MAX_PAGE = 1_000_000_000  # keeps offsets within SQLite's integers

_Cursor = TypeVar("_Cursor", bound=msgspec.Struct)


def asked_page(request: Request, default_size: int = 50) -> Page:
    """The page that ``page`` (from 1) and ``limit`` (1 to 100) ask for."""
    return Page(
        parameters.whole(request, "page", 1, most=_MAX_PAGE), parameters.whole(request, "limit", default_size, most=100)
    )


def page_meta(page: Page, total: int) -> dict[str, int]:
    """What a list says about itself."""
    return {"page": page.number, "limit": page.size, "totalItems": total, "totalPages": -(-total // page.size)}


def encode_cursor(last: msgspec.Struct) -> str:
    """The place after ``last``, for a client to send back unread."""
    return base64.urlsafe_b64encode(msgspec.json.encode(last)).decode()


def asked_cursor(request: Request, kind: type[_Cursor]) -> _Cursor | None:
    """The place that ``cursor`` names; None to begin with the first."""
    text = request.query_params.get("cursor")
    if not text:
        return None
    try:
        return decode(base64.b64decode(text, altchars=b"-_", validate=True), kind)
    except (binascii.Error, ValueError) as error:
        raise invalid("cursor: not one that this server gave") from error
