"""What a convention gets of a span: its attributes, sorted by who understands them, and a place for what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan


class Reader:
    """One span on its way to an `Observation`.

    Nothing is dropped here: an attribute is a field, or a part that a convention takes, or it is left over, and what is
    left over becomes metadata under its own key. An attribute that loses its field to one of higher precedence is left
    over too, unless it says the same.
    """

    __slots__ = (
        "attributes",
        "end_ns",
        "events",
        "fields",
        "left_over",
        "metadata",
        "mine",
        "origin",
        "parts",
        "rank",
        "span",
        "start_ns",
        "winners",
    )

    def __init__(self, span: ReadableSpan, attributes: dict[str, Any], start_ns: int, end_ns: int) -> None:
        self.span = span
        self.attributes = attributes
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.events: Sequence[Event] = span.events or ()
        """The span's events, but for those that a convention has read."""
        self.fields: dict[str, Any] = {}
        """Fields of the observation that have a value."""
        self.winners: dict[str, tuple[int, str]] = {}
        """By field: rank and attribute key (or convention's name, if composed) of whoever gave the value."""
        self.metadata: dict[str, Any] = {}
        """What conventions say is metadata; it goes before what is left over."""
        self.left_over: dict[str, Any] = {}
        """Attributes by key that become metadata."""
        self.parts: dict[str, dict[str, Any]] = {}
        """By convention's name its parts by key; by family's prefix its attributes by what follows the prefix."""
        self.rank = 0
        """Precedence of the convention that composes now; the lowest number wins."""
        self.origin = ""
        """Its name."""
        self.mine: dict[str, Any] = {}
        """Its own parts by attribute key; what it does not pop becomes metadata."""

    def settle(self, field: str, value: Any, rank: int, origin: str) -> None:
        """Give ``field`` a value, unless one of a lower rank has it; whichever attribute loses is left over."""
        held = self.winners.get(field)
        if held is None or held[0] > rank:
            if held is not None and self.fields[field] != value:
                self.left_over[held[1]] = self.attributes[held[1]]
            self.fields[field] = value
            self.winners[field] = (rank, origin)
        elif self.fields[field] != value and origin in self.attributes:
            self.left_over[origin] = self.attributes[origin]

    def wants(self, field: str) -> bool:
        """Whether ``field`` is still open to whoever composes now."""
        held = self.winners.get(field)
        return held is None or held[0] > self.rank

    def offer(self, field: str, value: Any) -> None:
        """Give ``field`` a composed value, if it is not None and the field is still open."""
        if value is None:
            return
        if field in self.winners:
            self.settle(field, value, self.rank, self.origin)
        else:
            self.fields[field] = value
            self.winners[field] = (self.rank, self.origin)

    def family(self, prefix: str) -> dict[str, Any]:
        """The parts of a family by what follows the prefix; they no longer become metadata, but see `put_back`."""
        return self.parts.pop(prefix, None) or {}

    def put_back(self, keys: Iterable[str]) -> None:
        """Let attributes that were taken become metadata after all."""
        for key in keys:
            self.left_over[key] = self.attributes[key]
