"""Two spans of one call told once.

A client that traces itself, under or beside an instrumentation, makes two spans with the same ``gen_ai.response.id``;
an agent's or a workflow's span may repeat id and usage of the call inside it. Billed as they come, tokens and cost
would count twice. Here the one that tells most stays what it is and gets what only the other knows; the other keeps its
place in the tree, without model, usage and cost.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import msgspec

from langfuse_otel.observation import Observation

RESPONSE_ID_KEYS = ("gen_ai.response.id", "ai.response.id", "gcp.vertex.agent.event_id")
"""Where conventions leave the id that the provider gave to its answer, or Google's ADK to what it made of one."""

TWIN_OF = "langfuse_otel.twin_of"
"""Metadata of the span that was set back: the id of the one that tells the call."""

_MAX_REMEMBERED = 512  # calls whose second span may still come
_TOLD_ONCE = ("model", "usage", "cost", "model_parameters", "completion_start_ns", "prompt_name", "prompt_version")
_TYPES = frozenset(("generation", "embedding"))
_Key = tuple[str, str]


class Twins:
    """Finds twins among the observations that pass, in batches and across them. For one thread at a time."""

    def __init__(self) -> None:
        self._tellers: OrderedDict[_Key, str] = OrderedDict()
        """By trace and response: the id of the span that was sent as the call."""

    def tell_once(self, observations: Iterable[Observation]) -> list[Observation]:
        """The same observations in the same order, with each call billed by one of them."""
        told = list(observations)
        calls: dict[_Key, list[int]] = {}
        for position, observation in enumerate(told):
            key = _key(observation)
            if key is not None:
                calls.setdefault(key, []).append(position)
        for key, positions in calls.items():
            teller = self._tellers.get(key)
            if teller is None and len(positions) == 1:
                self._remember(key, told[positions[0]].span_id)
                continue
            if teller is None:
                best = max(positions, key=lambda position: _says(told[position]))
                teller = told[best].span_id
                self._remember(key, teller)
                others = [told[position] for position in positions if position != best]
                told[best] = _completed(told[best], others)
            for position in positions:
                if told[position].span_id != teller:
                    told[position] = _set_back(told[position], teller)
        return told

    def _remember(self, key: _Key, span_id: str) -> None:
        self._tellers[key] = span_id
        if len(self._tellers) > _MAX_REMEMBERED:
            self._tellers.popitem(last=False)


def _key(observation: Observation) -> _Key | None:
    if observation.usage is None and observation.type not in _TYPES:
        return None
    for name in RESPONSE_ID_KEYS:
        response_id = observation.metadata.get(name)
        if isinstance(response_id, str) and response_id:
            return observation.trace_id, response_id
    return None


def _says(observation: Observation) -> tuple[bool, int, int]:
    """How much of the call an observation tells: a call before an agent's span, content before numbers."""
    content = sum(value is not None for value in (observation.input, observation.output))
    return observation.type in _TYPES, content, sum(getattr(observation, name) is not None for name in _TOLD_ONCE)


def _completed(teller: Observation, others: Iterable[Observation]) -> Observation:
    missing: dict[str, Any] = {}
    for other in others:
        for name in (*_TOLD_ONCE, "input", "output"):
            if getattr(teller, name) is None and name not in missing and getattr(other, name) is not None:
                missing[name] = getattr(other, name)
    return msgspec.structs.replace(teller, **missing) if missing else teller


def _set_back(observation: Observation, teller: str) -> Observation:
    """Without what would be billed again; what it was stays readable in the metadata."""
    metadata = {**observation.metadata, TWIN_OF: teller}
    for name in ("model", "usage", "cost"):
        value = getattr(observation, name)
        if value is not None:
            metadata[f"langfuse_otel.{name}"] = value
    return msgspec.structs.replace(
        observation,
        type="span" if observation.type in _TYPES else observation.type,
        metadata=metadata,
        **dict.fromkeys(_TOLD_ONCE),
    )
