"""One encoded observation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from langfuse_otel.observation import Observation


class Encoded(NamedTuple):
    """Bytes of one observation, to be framed with others.

    ``group`` is what observations share on this wire (OTLP: the resource and scope) and is the same bytes object for
    all of them; ``body`` is the observation's own part. Both are valid UTF-8. ``wire`` is the name of the one that they
    are for.
    """

    group: bytes
    body: bytes
    wire: str


class Wire(Protocol):
    """How observations are written for one endpoint.

    ``encode`` never raises. ``frame`` of items whose sizes add up to at most ``max_batch_bytes`` is a body that the
    endpoint takes; the caller adds up ``len(group) + len(body)``, which is never less than what framing needs.
    """

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def max_batch_bytes(self) -> int: ...
    def encode(self, observation: Observation) -> Encoded: ...
    def frame(self, items: Sequence[Encoded]) -> bytes: ...
