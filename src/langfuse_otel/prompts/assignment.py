"""Which label for whom: a sticky A/B test between versions of a prompt."""

from __future__ import annotations

import math
from collections.abc import Mapping
from hashlib import blake2b

from langfuse_otel.context import current_trace_fields
from langfuse_otel.errors import InvalidRequestError


def choose_label(name: str, weights: Mapping[str, float], key: str | None = None) -> str:
    """The label of ``name`` for one user: ``get(name, label=choose_label(name, {"production": 9, "challenger": 1}))``.

    The same key gets the same label in every process and on every day, without anything being stored. Changing a weight
    moves as few keys as the new shares need (weighted rendezvous hashing); the order of the labels doesn't matter. The
    label is shown on the generations that use the prompt, as metadata ``prompt_label``.

    Args:
        name: The prompt; different prompts divide the same users differently.
        weights: Label → its share, in any unit.
        key: Who; else the user of the current trace (``propagate_attributes``), else its session. With none of them
            everybody gets the label with the largest share.

    Raises:
        InvalidRequestError: A weight is negative or no number, or none is above 0.
    """
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights.values()) or not any(weights.values()):
        raise InvalidRequestError(f"prompt {name!r}: weights are {dict(weights)!r}, not shares of labels", status=400)
    if key is None:
        fields = current_trace_fields()
        key = fields.user_id or fields.session_id
    if key is None:
        return max(weights, key=lambda label: weights[label])
    return max(weights, key=lambda label: weights[label] / -math.log(_fraction(name, label, key)))


def _fraction(*parts: str) -> float:
    """A number between 0 and 1, both excluded, that looks random and is always the same for these parts."""
    seed = "\0".join(f"{len(part)}:{part}" for part in parts)  # no two lists of parts read alike
    digest = blake2b(seed.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return ((int.from_bytes(digest, "big") >> 12) + 0.5) / 2**52
