"""What a convention is: a table of attribute keys, and one function for the fields that are made of several of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from langfuse_otel.conventions.reader import Reader


class Field(NamedTuple):
    """An attribute that is a field of `Observation` by itself."""

    name: str
    parse: Callable[[object], object | None]
    """From `values`; None leaves the attribute in the metadata."""
    kept: bool = False
    """Whether the attribute says more than the field can, and becomes metadata as well."""


@dataclass(frozen=True)
class Convention:
    """One way of writing spans.

    A new convention is a module with one of these; `registry` holds them in the order of their precedence.
    """

    name: str

    fields: Mapping[str, Field] = field(default_factory=dict)
    """By attribute key. Of two keys for one field, the earlier wins."""

    parts: frozenset[str] = frozenset()
    """Attribute keys that only `compose` can make sense of; it finds them in `Reader.mine`.

    A key belongs to the first convention that lists it, be it as a field or as a part.
    """

    families: tuple[str, ...] = ()
    """Prefixes of attribute keys, likewise for `compose`, in `Reader.family`. The longest prefix wins."""

    compose: Callable[[Reader], None] = lambda reader: None
    """Called after a span's attributes were sorted, in order of precedence: `Reader.offer` what they mean.

    Called only for spans that have one of the parts or families, or for each span if the convention has none. Parts
    that it does not take become metadata; if it raises, so do those that it had not taken yet.
    """

    of_events: bool = False
    """Whether `compose` is about a span's events, and nothing to do for one that has none."""

    composes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By field of `Observation`, what `compose` makes it of: for ``docs/conventions.md``, and held by its test.

    Attribute keys, or ``prefix*``, in the order in which they are looked at; a few words in parentheses may follow.
    What is no attribute of the span is an ``event <name>``, or what the ``span``, the ``resource <key>`` or another
    ``field`` says. Composed values go before those of `fields`, but for one noted ``if nothing else says it``.
    ``metadata`` has what gets another key there.
    """
