"""A span larger than all the memory that spans may take: its longest texts are cut, so that the rest arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan

from langfuse_otel.delivery.intake import Observe
from langfuse_otel.delivery.span_size import size_bytes
from langfuse_otel.observation import Observation
from langfuse_otel.wire.limits import TRUNCATED_KEY

_SHORTEST_CHARACTERS = 64


def shortened(span: ReadableSpan, max_characters: int) -> ReadableSpan:
    """A copy of a span with about ``max_characters`` of text in attributes and events, the longest texts cut.

    A text that is cut ends with ``… [truncated: 5,000,000 characters]``, the number being the whole text's, and the
    metadata name the span's size under ``TRUNCATED_KEY``. What is kept of a text is copied, and nothing of the rest.
    """
    most = max_characters
    lengths = [len(text) for text in _texts(span)]
    while most > _SHORTEST_CHARACTERS and sum([min(length, most) for length in lengths]) > max_characters:
        most //= 2

    def cut(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple([cut(item) for item in value])
        if not isinstance(value, str) or len(value) <= most:
            return value
        return f"{value[:most]}… [truncated: {len(value):,} characters]"

    def each(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
        return {key: cut(value) for key, value in (attributes or {}).items()}

    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={**each(span.attributes), TRUNCATED_KEY: size_bytes(span)},
        events=[Event(event.name, each(event.attributes), event.timestamp) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


class Shortening:
    """Reads spans as another (``intake.Observe``) does, those that are too large shortened before.

    Args:
        observe: Reads them.
        max_bytes: Of a span that is read as it is, by ``size_bytes``.
        shorten: Shortens one.
    """

    def __init__(self, observe: Observe, max_bytes: int, shorten: Callable[[ReadableSpan], ReadableSpan]) -> None:
        self.tell_once = observe.tell_once
        self._observe = observe
        self._max_bytes = max_bytes
        self._shorten = shorten

    def read(self, span: ReadableSpan) -> Observation:
        """One span."""
        return self._observe.read(self._shorten(span) if size_bytes(span) > self._max_bytes else span)


def _texts(span: ReadableSpan) -> Iterable[str]:
    for attributes in (span.attributes, *(event.attributes for event in span.events)):
        for value in (attributes or {}).values():
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, str):
                    yield item
