"""What a span takes in memory."""

from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.util.types import Attributes

SPAN_BYTES = 2_000
"""What a span takes besides its text: objects, ids, times, keys, numbers."""


def size_bytes(span: ReadableSpan) -> int:
    """About the memory that a span holds: its text, one byte a character, and a constant. Cheap rather than exact."""
    size = SPAN_BYTES + _text_bytes(span.attributes)
    for event in span.events:
        size += _text_bytes(event.attributes)
    return size


def _text_bytes(attributes: Attributes) -> int:
    if attributes is None:
        return 0
    # The SDK's attributes copy as fast as a dict; going through their values in place takes three times as long.
    copy = getattr(attributes, "copy", None)
    size = 0
    for value in (copy() if copy else attributes).values():
        if type(value) is str:
            size += len(value)
        elif type(value) is tuple:
            size += sum([len(item) if type(item) is str else 8 for item in value])
    return size
