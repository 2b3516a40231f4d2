"""Tokens and cost: every spelling to Langfuse's keys, which are disjoint where everyone else's overlap.

Senders count inclusively: ``input_tokens`` contains the cached ones. Langfuse adds its keys up, and the server
subtracts nothing from what an exporter sends as ``usage_details`` (real-langfuse.md), so the subtraction is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langfuse_otel.conventions import values
from langfuse_otel.observation import Cost, Usage

_WHOLE_OF = {
    "input_cached_tokens": "input",
    "input_cache_creation": "input",
    "input_audio_tokens": "input",
    "output_reasoning_tokens": "output",
    "output_audio_tokens": "output",
}

GEN_AI_SPELLINGS = {
    "input_tokens": "input",
    "prompt_tokens": "input",
    "output_tokens": "output",
    "completion_tokens": "output",
    "total_tokens": "total",
    "cache_read.input_tokens": "input_cached_tokens",
    "cache_read_input_tokens": "input_cached_tokens",
    "cache_read_tokens": "input_cached_tokens",
    "input_cached_tokens": "input_cached_tokens",
    "details.cache_read_tokens": "input_cached_tokens",
    "details.cache_read_input_tokens": "input_cached_tokens",
    "cache_write.input_tokens": "input_cache_creation",
    "cache_creation.input_tokens": "input_cache_creation",
    "cache_write_input_tokens": "input_cache_creation",
    "cache_creation_input_tokens": "input_cache_creation",
    "cache_write_tokens": "input_cache_creation",
    "input_cache_creation": "input_cache_creation",
    "details.cache_write_tokens": "input_cache_creation",
    "details.cache_creation_input_tokens": "input_cache_creation",
    "reasoning.output_tokens": "output_reasoning_tokens",
    "reasoning_tokens": "output_reasoning_tokens",
    "details.reasoning_tokens": "output_reasoning_tokens",
    "audio.input_tokens": "input_audio_tokens",
    "audio.output_tokens": "output_audio_tokens",
}
"""What follows ``gen_ai.usage.`` → Langfuse's key; of two spellings of one key the earlier here wins.

Text and image tokens are not here: they have no price of their own and stay part of their total."""

_PRECEDENCE = {name: position for position, name in enumerate(GEN_AI_SPELLINGS)}

# usage_details in the shape of a provider's answer. Flat keys are disjoint as always in usage_details (Anthropic's
# really are); only what OpenAI nests below *_tokens_details is part of its total.
_DETAILS_SPELLINGS = {
    "prompt_tokens": "input",
    "input_tokens": "input",
    "completion_tokens": "output",
    "output_tokens": "output",
    "total_tokens": "total",
    "cache_read_input_tokens": "input_cached_tokens",
    "cache_creation_input_tokens": "input_cache_creation",
}
_NESTED_DETAILS = {
    "prompt_tokens_details": "input",
    "input_tokens_details": "input",
    "completion_tokens_details": "output",
    "output_tokens_details": "output",
}


_KEYS = frozenset(GEN_AI_SPELLINGS.values())
_SUBSETS = ("text.", "image.", "video.", "audio.", "details.")
_MODEL_CALLS = frozenset(("generation", "embedding"))
_NOTHING: Usage = {"input": 0, "output": 0, "total": 0}


def from_gen_ai(found: Mapping[str, object]) -> tuple[Usage, list[str]]:
    """Usage of inclusive counts by what follows ``gen_ai.usage.``, and the names that it does not contain.

    A part that is larger than its total shows a sender that counts exclusively; nothing is subtracted then. The total
    is the one given, unless it is smaller than its parts. A name that is not known keeps its own key, so that a price
    for it applies, and does not count towards the total.
    """
    usage: Usage = {}
    spelled: dict[str, str] = {}
    own_names: Usage = {}
    unused: list[str] = []
    for name, value in found.items():
        counted = values.count(value)
        key = GEN_AI_SPELLINGS.get(name)
        if counted is None or (key is None and (name.startswith(_SUBSETS) or name in _KEYS)):
            unused.append(name)
        elif key is None:
            own_names[name] = counted
        elif key not in usage:
            usage[key], spelled[key] = counted, name
        elif _PRECEDENCE[name] < _PRECEDENCE[spelled[key]]:
            unused.append(spelled[key])
            usage[key], spelled[key] = counted, name
        else:
            unused.append(name)
    if usage:
        total = usage.pop("total", 0)
        _make_disjoint(usage)
        parts = sum(usage.values())
        usage["total"] = max(total, parts)
        if parts and total and total != parts:
            unused.append(spelled["total"])  # stays in the metadata as well: somebody has counted otherwise
    usage.update(own_names)
    return usage, unused


def _make_disjoint(usage: Usage) -> None:
    if _WHOLE_OF.keys().isdisjoint(usage):
        return
    parts: dict[str, int] = {}
    for key, counted in usage.items():
        whole = _WHOLE_OF.get(key)
        if whole is not None:
            parts[whole] = parts.get(whole, 0) + counted
    for whole, counted in parts.items():
        if whole in usage and counted <= usage[whole]:
            usage[whole] -= counted
    for key in [key for key, counted in usage.items() if counted == 0 and key in _WHOLE_OF]:
        del usage[key]  # some say that nothing came from a cache, others do not mention it


def split_cache_creation(usage: Usage, by_lifetime: object) -> None:
    """Split the tokens written to a cache by how long it keeps them, since Anthropic's price depends on that.

    ``by_lifetime`` is Anthropic's ``{ephemeral_5m_input_tokens, ephemeral_1h_input_tokens}``; anything else, or a count
    that is more than there is to split, splits nothing.
    """
    if not isinstance(by_lifetime, Mapping):
        return
    for lifetime in ("5m", "1h"):
        counted = values.count(by_lifetime.get(f"ephemeral_{lifetime}_input_tokens"))
        if counted and counted <= usage.get("input_cache_creation", 0):
            usage["input_cache_creation"] -= counted
            usage[f"input_cache_creation_{lifetime}"] = counted


def details(value: object) -> tuple[Usage, bool]:
    """Usage of ``langfuse.observation.usage_details``, a JSON object, and whether it says everything that the object
    says.

    Keys are Langfuse's, or those of OpenAI's or Anthropic's answers; any other key stays. Entries that are no counts
    are left out.
    """
    return of_answer(values.json_object(value) or {})


def of_answer(entries: Mapping[str, object]) -> tuple[Usage, bool]:
    """`details` of an object that is decoded already."""
    usage: Usage = {}
    complete = True
    nested: list[tuple[str, str, object]] = []
    for name, entry in entries.items():
        whole = _NESTED_DETAILS.get(name)
        if whole is not None and isinstance(entry, dict):
            nested.extend((whole, part, count) for part, count in entry.items())
            continue
        key, counted = _DETAILS_SPELLINGS.get(name, name), values.count(entry)
        if counted is None or key in usage:
            complete = complete and entry is None
        else:
            usage[key] = counted
    for whole, part, entry in nested:
        key, counted = f"{whole}_{part}", values.count(entry)
        if counted is None or key in usage:
            complete = complete and entry is None
        else:
            usage[key] = counted
            usage[whole] = max(0, usage.get(whole, 0) - counted)
    if usage:
        usage.setdefault("total", sum(usage.values()))
    return usage, complete


def cost_details(value: object) -> tuple[Cost, bool]:
    """Cost of ``langfuse.observation.cost_details``, a JSON object of US dollars, and whether it says everything in it.

    Amounts may be text: the server would file those as 0 and hide its own price with them.
    """
    found = values.json_object(value) or {}
    cost = {key: amount for key, entry in found.items() if (amount := values.number(entry)) is not None}
    return cost, len(cost) == len(found)


def total_cost(value: object) -> Cost | None:
    """The cost of a call given as one number."""
    amount = values.number(value)
    return None if amount is None else {"total": amount}


def prevent_guessing(fields: dict[str, Any]) -> None:
    """Say that an observation with a model, which is no model call itself, used no tokens unless it says so.

    The server would count the words of an agent's input and output and price them, beside the calls the agent made.
    """
    if "model" in fields and not fields.get("usage") and fields.get("type", "span") not in _MODEL_CALLS:
        fields["usage"] = dict(_NOTHING)
