"""Every convention in the order of its precedence, and the one function that reads a span with all of them.

One rule for every field: the first convention in the list that has a value for it wins, and within a convention the
first key of its table. Attributes are looked at once each, so a convention costs next to nothing on spans that do not
use it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import INVALID_SPAN_CONTEXT

from langfuse_otel import log
from langfuse_otel.conventions import (
    agent_totals,
    gen_ai,
    gen_ai_events,
    gen_ai_prompt,
    genkit,
    google_adk,
    langfuse,
    langsmith,
    litellm,
    livekit,
    logfire,
    mlflow,
    openinference,
    otel,
    pydantic_ai,
    score,
    self_traced,
    traceloop,
    usage,
    vercel,
)
from langfuse_otel.conventions.convention import Convention
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.json_safe import json_safe
from langfuse_otel.observation import Observation

CONVENTIONS: tuple[Convention, ...] = (
    langfuse.CONVENTION,
    score.CONVENTION,
    # These write the GenAI attributes too, with less or otherwise than they say in their own.
    agent_totals.CONVENTION,
    vercel.CONVENTION,
    google_adk.CONVENTION,
    livekit.CONVENTION,
    langsmith.CONVENTION,
    self_traced.CONVENTION,
    gen_ai.CONVENTION,
    # These stand where there are no GenAI attributes, or beside them.
    openinference.CONVENTION,
    gen_ai_events.CONVENTION,
    gen_ai_prompt.CONVENTION,
    traceloop.CONVENTION,
    pydantic_ai.CONVENTION,
    logfire.CONVENTION,
    genkit.CONVENTION,
    mlflow.CONVENTION,
    litellm.CONVENTION,
    otel.CONVENTION,
)
"""What `read` reads, first wins."""

_MAX_KNOWN_KEYS = 10_000  # attribute keys may hold ids; past this, a key's rule is found anew each time
_MAX_KNOWN_GROUPS = 1_000  # sets of groups, in the order in which a span has them
_RANKS_PER_CONVENTION = 1_000
_MAX_TIME_NS = 2**64 - 1  # OTLP has 64 bits for a time: the year 2554


class _Rule(NamedTuple):
    """What to do with an attribute key: settle a field, keep it for a group, or (both None) leave it over."""

    rank: int = 0
    field: str | None = None
    parse: Any = None
    kept: bool = False
    group: str | None = None
    name: str = ""
    """The key within the group."""


_LEAVE_OVER = _Rule()


class _Composer(NamedTuple):
    rank: int
    convention: Convention
    groups: frozenset[str]
    """Called for spans that have one of these; for each span if there are none."""


class Registry:
    """Reads spans with a list of conventions."""

    def __init__(self, conventions: Sequence[Convention]) -> None:
        self._rules: dict[str, _Rule] = {}
        self._composers: list[_Composer] = []
        self._due: dict[tuple[str, ...], list[_Composer]] = {}
        prefixes: list[str] = []
        for index, convention in enumerate(conventions):
            rank = index * _RANKS_PER_CONVENTION
            for position, (key, field) in enumerate(convention.fields.items(), start=1):
                self._rules.setdefault(key, _Rule(rank + position, *field))
            for key in convention.parts:
                self._rules.setdefault(key, _Rule(group=convention.name, name=key))
            groups = frozenset(
                (convention.name, *convention.families) if convention.parts or convention.families else ()
            )
            self._composers.append(_Composer(rank, convention, groups))
            prefixes.extend(convention.families)
        self._prefixes = tuple(sorted(prefixes, key=len, reverse=True))

    def read(self, span: ReadableSpan) -> Observation:
        """The observation that a finished span describes. Never raises."""
        try:
            return _observation(self._gather(span))
        except Exception as error:
            log.limited(logging.WARNING, "conventions.read", "A span could not be understood: %r", error)
            return _bare(span, error)

    def explain(self, span: ReadableSpan) -> dict[str, str]:
        """By field of the observation: the attribute, or the name of the convention, that gave its value."""
        reader = self._gather(span)
        by_the_span_itself = (0, otel.CONVENTION.name)
        return {field: reader.winners.get(field, by_the_span_itself)[1] for field in reader.fields}

    def _gather(self, span: ReadableSpan) -> Reader:
        reader = Reader(span, _attributes(span), *_times(span))
        find, fields, winners = self._rules.get, reader.fields, reader.winners
        left_over, parts = reader.left_over, reader.parts
        for key, value in reader.attributes.items():
            rank, field, parse, kept, group, name = find(key) or self._rule(key)
            if group is not None:
                if group in parts:
                    parts[group][name] = value
                else:
                    parts[group] = {name: value}
            elif field is None or (parsed := parse(value)) is None:
                left_over[key] = value
            else:
                if kept:
                    left_over[key] = value
                if field in fields:
                    reader.settle(field, parsed, rank, key)
                else:
                    fields[field] = parsed
                    winners[field] = (rank, key)
        for rank, convention, groups in self._due.get(tuple(parts)) or self._due_for(parts):
            if convention.of_events and not reader.events:
                continue
            if not groups or not groups.isdisjoint(parts):  # one that came before may have taken them
                reader.rank, reader.origin, reader.mine = rank, convention.name, parts.get(convention.name, {})
                try:
                    convention.compose(reader)
                except Exception as error:
                    log.limited(logging.WARNING, convention.name, "%s was not read: %r", convention.name, error)
        for group, group_parts in parts.items():
            prefix = group if group in self._prefixes else ""
            for name, value in group_parts.items():
                left_over[prefix + name] = value
        return reader

    def _due_for(self, parts: Mapping[str, Any]) -> list[_Composer]:
        """Whoever composes of these groups, remembered while there is room."""
        due = [composer for composer in self._composers if not composer.groups or composer.groups & parts.keys()]
        if len(self._due) < _MAX_KNOWN_GROUPS:
            self._due[tuple(parts)] = due
        return due

    def _rule(self, key: str) -> _Rule:
        """The rule of a key that is in no table, remembered while there is room."""
        prefix = next((prefix for prefix in self._prefixes if key.startswith(prefix)), None)
        rule = _LEAVE_OVER if prefix is None else _Rule(group=prefix, name=key[len(prefix) :])
        if len(self._rules) < _MAX_KNOWN_KEYS:
            self._rules[key] = rule
        return rule


def _observation(reader: Reader) -> Observation:
    span, fields = reader.span, reader.fields
    usage.prevent_guessing(fields)
    context, parent = span.get_span_context() or INVALID_SPAN_CONTEXT, span.parent
    return Observation(
        trace_id=format(context.trace_id, "032x"),
        span_id=format(context.span_id, "016x"),
        parent_span_id=None if parent is None else format(parent.span_id, "016x"),
        start_ns=reader.start_ns,
        end_ns=reader.end_ns,
        metadata=_metadata(reader),
        resource=span.resource,
        scope=span.instrumentation_scope,
        **fields,
    )


def _metadata(reader: Reader) -> dict[str, Any]:
    """Metadata by key; a left-over attribute never replaces what a convention called metadata."""
    metadata = reader.metadata
    for key, value in reader.left_over.items():
        safe = value if type(value) is str or type(value) is bool else json_safe(value)
        while key in metadata:
            key = f"attributes.{key}"
        metadata[key] = safe
    return metadata


def _attributes(span: ReadableSpan) -> dict[str, Any]:
    attributes: Mapping[str, Any] | None = span.attributes
    if attributes is None:
        return {}
    # BoundedAttributes.copy is a dict's copy; going through its items takes ten times as long.
    try:
        copied = attributes.copy()  # type: ignore[attr-defined]
    except AttributeError:
        copied = attributes
    return copied if type(copied) is dict else dict(copied)


def _times(span: ReadableSpan) -> tuple[int, int]:
    """Start and end. One that is missing is the other, both missing are now; an end before the start is the start."""
    start, end = span.start_time, span.end_time
    if start is not None and end is not None and 0 <= start <= end <= _MAX_TIME_NS:
        return start, end
    if start is None:
        start = end if end is not None else time.time_ns()
    start = min(max(start, 0), _MAX_TIME_NS)
    return start, start if end is None else min(max(end, start), _MAX_TIME_NS)


def _bare(span: ReadableSpan, error: Exception) -> Observation:
    """What can be said of a span that could not be read: that it was there, and what it carried."""
    reader = Reader(span, _attributes(span), *_times(span))
    reader.fields["name"] = str(span.name)
    reader.metadata["langfuse_otel.error"] = f"{type(error).__name__}: {error}"
    reader.left_over.update(reader.attributes)
    return _observation(reader)


_REGISTRY = Registry(CONVENTIONS)

read = _REGISTRY.read
"""`Registry.read` with `CONVENTIONS`."""

explain = _REGISTRY.explain
"""`Registry.explain` with `CONVENTIONS`."""
