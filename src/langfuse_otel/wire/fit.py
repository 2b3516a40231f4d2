"""One observation encoded come what may: repaired where it cannot be encoded, cut where it is too long."""

from __future__ import annotations

from collections.abc import Callable

from langfuse_otel.observation import Observation
from langfuse_otel.wire.limits import truncate_observation
from langfuse_otel.wire.repair import repaired


def encode_to_fit(
    observation: Observation,
    encode: Callable[[Observation], bytes],
    max_bytes: int,
    on_truncated: Callable[[], None],
) -> bytes:
    """``observation`` as ``encode`` writes it, in at most ``max_bytes``.

    Never raises if ``encode`` takes every repaired observation (`repair`). ``on_truncated`` is called if the
    observation is cut, which shows in it (`limits`).
    """
    try:
        encoded = encode(observation)
    except Exception:
        observation = repaired(observation)
        encoded = encode(observation)
    if len(encoded) <= max_bytes:
        return encoded
    on_truncated()
    return truncate_observation(observation, encode, max_bytes)
