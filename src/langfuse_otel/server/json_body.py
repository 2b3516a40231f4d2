"""JSON bodies, as what an endpoint expects."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from langfuse_otel.server.body import read_body
from langfuse_otel.server.problem import Problem, invalid
from langfuse_otel.server.typed import convert

MAX_JSON_BYTES = 1024 * 1024
"""What Langfuse takes for scores and prompts."""

_Body = TypeVar("_Body")


async def read_json(request: Request) -> Any:
    """The body as JSON, at most 1 MiB.

    Raises:
        Problem: 413 when it is longer, 400 when it is no JSON.
    """
    body = await read_body(request, MAX_JSON_BYTES)
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:  # msgspec's errors and broken UTF-8 are ValueErrors
        raise Problem(400, f"Invalid JSON: {error}") from error


def typed(value: Any, kind: type[_Body]) -> _Body:
    """JSON as what an endpoint expects.

    Raises:
        Problem: 400, saying where it is something else.
    """
    try:
        return convert(value, kind)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from error
