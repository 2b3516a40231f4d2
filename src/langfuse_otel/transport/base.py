"""What delivery asks of whatever takes observations to a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from langfuse_otel.observation import Observation
from langfuse_otel.transport.outcome import Outcome
from langfuse_otel.wire.encoded import Encoded


class Transport(Protocol):
    """Encodes observations and sends batches of them. Called by several threads of ours, never by the application's."""

    @property
    def name(self) -> str:
        """The wire in use, for people."""
        ...

    @property
    def max_batch_bytes(self) -> int:
        """Most bytes of payload that the server takes in one request, before compression."""
        ...

    def encode(self, observation: Observation, max_bytes: int | None = None) -> Encoded:
        """Encode one, its longest values cut where it would have more than ``max_bytes``; by default the wire's limit.

        May raise anything on one that it cannot write. What is smallest may be larger than ``max_bytes`` still.
        """
        ...

    def send(self, batch: Sequence[Encoded], timeout_s: float) -> Outcome:
        """Send a batch within ``timeout_s`` and say what became of it. Never raises for what a server does.

        An empty batch is allowed: it asks whether the server takes requests at all.
        """
        ...
