"""What delivery asks of whatever takes observations to a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from langfuse_otel.observation import Observation
from langfuse_otel.transport.outcome import Outcome
from langfuse_otel.wire.encoded import Encoded


class Transport(Protocol):
    """Encodes observations and sends batches of them. Called by one thread at a time, never by the application's."""

    @property
    def name(self) -> str:
        """The wire in use, for people."""
        ...

    @property
    def max_batch_bytes(self) -> int:
        """Most bytes of payload that the server takes in one request, before compression."""
        ...

    def encode(self, observation: Observation) -> Encoded:
        """Encode one. May raise anything on one that it cannot write."""
        ...

    def send(self, batch: Sequence[Encoded], timeout_s: float) -> Outcome:
        """Send a batch within ``timeout_s`` and say what became of it. Never raises for what a server does.

        An empty batch is allowed: it asks whether the server takes requests at all.
        """
        ...
