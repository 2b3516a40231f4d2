"""Bodies of requests, read and inflated within limits."""

from __future__ import annotations

import zlib

from starlette.requests import Request

from langfuse_otel.server.problem import Problem

_GZIP = 16 + zlib.MAX_WBITS


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body.

    Raises:
        Problem: 413 as soon as more than ``limit_bytes`` have come; the rest is not read.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit_bytes:
            raise _too_large(limit_bytes)
    return bytes(body)


def inflate(body: bytes, limit_bytes: int) -> bytes:
    """What was compressed with gzip, in one member or several.

    Raises:
        Problem: 413 as soon as it is known to be over ``limit_bytes``; never more than that is held.
        ValueError: No gzip, or cut off.
    """
    inflated = bytearray()
    while body:
        member = zlib.decompressobj(_GZIP)
        try:
            inflated += member.decompress(body, limit_bytes + 1 - len(inflated))
        except zlib.error as error:
            raise ValueError(str(error)) from error
        if len(inflated) > limit_bytes:
            raise _too_large(limit_bytes, " after decompression")
        if not member.eof:
            raise ValueError("the gzip data is cut off")
        body = member.unused_data
    return bytes(inflated)


def _too_large(limit_bytes: int, when: str = "") -> Problem:
    return Problem(413, f"Request body exceeds {limit_bytes} bytes{when}")
