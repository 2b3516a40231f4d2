"""Batches of events for ``/api/public/ingestion``, whatever the events say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import msgspec

from langfuse_otel.observation import Observation
from langfuse_otel.wire.encoded import Encoded
from langfuse_otel.wire.fit import encode_to_fit

_FRAME_BYTES = 256


class Event(msgspec.Struct):
    id: str
    timestamp: str
    type: str
    body: msgspec.Struct


class IngestionBatch:
    """What the wires to this endpoint have in common.

    Args:
        on_truncated: Called for each observation that is cut to fit ``max_batch_bytes``.
    """

    path = "/api/public/ingestion"
    content_type = "application/json"
    max_batch_bytes = 3_500_000
    """Langfuse documents 3.5 MB a batch; its parser refuses 4.5 MB (langfuse-api.md, section 2)."""
    events_each: ClassVar[int]
    """How many stand for an observation."""

    def __init__(self, *, on_truncated: Callable[[], None] = lambda: None) -> None:
        self.headers: dict[str, str] = {}
        self._on_truncated = on_truncated

    def frame(self, items: Sequence[Encoded]) -> bytes:
        """A batch of the observations' events in their order."""
        end = b'],"metadata":{"batch_size":%d,"sdk_name":"langfuse-otel"}}' % (self.events_each * len(items))
        bodies = [item.body for item in items] or [b""]
        bodies[0] = b'{"batch":[' + bodies[0]
        bodies[-1] += end
        return b",".join(bodies)  # copies each observation once

    def _encode(self, observation: Observation, encode: Callable[[Observation], bytes]) -> bytes:
        """The events of one observation, which fit a batch of their own."""
        return encode_to_fit(observation, encode, self.max_batch_bytes - _FRAME_BYTES, self._on_truncated)
