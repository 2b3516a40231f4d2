"""One observation with everything that is known about it, ready to be laid out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langfuse_otel.server.pages.json_text import pretty
from langfuse_otel.server.pages.messages import Content, content
from langfuse_otel.server.records import Observation, Score

# What OTLP ingestion adds to the metadata by itself; of interest only now and then.
_ADDED = {
    "attributes": "Span attributes",
    "resourceAttributes": "Resource attributes",
    "scope": "Instrumentation scope",
}
_MARKUP_CHARS = 4_000  # of a detail without input and output
_FIRST, _LAST = ("input", "output"), ("total",)


@dataclass(frozen=True, slots=True)
class Units:
    """A row of the usage table; None where nothing is known."""

    kind: str
    count: int | None
    cost: float | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a metadata table."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Group:
    """A metadata table; ``is_added``: by the ingestion, not by the application."""

    title: str
    entries: list[Entry]
    is_added: bool


@dataclass(frozen=True, slots=True)
class Detail:
    """An observation as its pane shows it."""

    observation: Observation
    input: Content | None
    output: Content | None
    units: list[Units]
    model_parameters: list[Entry]
    metadata: list[Group]
    scores: list[Score]


def detail(observation: Observation, scores: list[Score]) -> Detail:
    """Of an observation; ``scores`` are its trace's."""
    return Detail(
        observation=observation,
        input=optional_content(observation.input),
        output=optional_content(observation.output),
        units=units(observation.usage, observation.cost),
        model_parameters=_entries(observation.model_parameters),
        metadata=metadata_groups(observation.metadata),
        scores=[score for score in scores if score.observation_id == observation.id],
    )


def optional_content(raw: str | None) -> Content | None:
    """What a stored text is; None for none."""
    return None if raw is None else content(raw)


def units(usage: Mapping[str, int], cost: Mapping[str, float]) -> list[Units]:
    """Usage and cost side by side: input, output, the others by name, total."""
    kinds = {**usage, **cost}
    others = sorted(kind for kind in kinds if kind not in (*_FIRST, *_LAST))
    return [Units(kind, usage.get(kind), cost.get(kind)) for kind in (*_FIRST, *others, *_LAST) if kind in kinds]


def metadata_groups(metadata: Mapping[str, Any]) -> list[Group]:
    """What the application said first, what ingestion added after it; empty tables are left out."""
    own = {name: value for name, value in metadata.items() if not _is_added(name, value)}
    groups = [Group("Metadata", _entries(own), is_added=False)]
    for name, title in _ADDED.items():
        if _is_added(name, metadata.get(name)):
            groups.append(Group(title, _entries(metadata[name]), is_added=True))
    return [group for group in groups if group.entries]


def _is_added(name: str, value: Any) -> bool:
    return name in _ADDED and isinstance(value, dict)


def _entries(values: Mapping[str, Any]) -> list[Entry]:
    return [Entry(name, pretty(value)) for name, value in values.items() if value not in (None, {}, "")]


def weight_chars(observations: list[Observation]) -> int:
    """How much text the details of these take, about."""
    return sum(len(one.input or "") + len(one.output or "") + _MARKUP_CHARS for one in observations)
