"""The usage of streams: servers report it in a last chunk of its own, and only to those who ask."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation.declare import Arguments, StreamUsage


def _asking(arguments: Arguments) -> dict[str, Any] | None:
    """The arguments with ``stream_options.include_usage`` added; None where that changes nothing.

    Raw responses stay as they are: the application may read their bytes, where the extra chunk cannot be hidden.
    """
    if not arguments.get("stream") or "X-Stainless-Raw-Response" in (arguments.get("extra_headers") or {}):
        return None
    options = arguments.get("stream_options")
    options = options if isinstance(options, dict) else {}
    return None if "include_usage" in options else {**arguments, "stream_options": {**options, "include_usage": True}}


def _is_usage(chunk: Any) -> bool:
    """Whether a chunk brings nothing but the usage."""
    return not chunk.choices and chunk.usage is not None


STREAM_USAGE = StreamUsage(ask=_asking, is_extra=_is_usage)
