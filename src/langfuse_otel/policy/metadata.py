"""Choosing among an observation's metadata by key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_NESTED = frozenset(("otel.events", "otel.links"))
"""Metadata that hold attributes of their own, of span events and of links."""


def kept(
    metadata: dict[str, Any],
    keeps: Callable[[str], bool],
    keeps_event: Callable[[str], bool] = lambda name: True,
) -> dict[str, Any]:
    """The entries whose keys are wanted; the same dict if that is all.

    Of span events and links, attributes are chosen by the same rule, and an event whose name is not wanted loses all
    its attributes: that it happened, and when, stays.
    """
    chosen = {}
    changed = False
    for key, value in metadata.items():
        if not keeps(key):
            changed = True
            continue
        if key in _NESTED and type(value) is list:
            events = [_event(event, keeps, keeps_event) for event in value]
            if any(map(_differ, events, value)):
                changed, value = True, events
        chosen[key] = value
    return chosen if changed else metadata


def _event(event: Any, keeps: Callable[[str], bool], keeps_event: Callable[[str], bool]) -> Any:
    attributes = event.get("attributes") if type(event) is dict else None
    if type(attributes) is not dict or not attributes:
        return event
    wanted = kept(attributes, keeps) if keeps_event(str(event.get("name"))) else {}
    return event if wanted is attributes else {**event, "attributes": wanted}


def _differ(one: object, other: object) -> bool:
    return one is not other
