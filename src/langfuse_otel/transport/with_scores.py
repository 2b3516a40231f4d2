"""Scores beside observations: another transport, with an endpoint of their own for those that stand for scores."""

from __future__ import annotations

from collections.abc import Sequence

from langfuse_otel.observation import Observation
from langfuse_otel.transport.around import AroundTransport
from langfuse_otel.transport.base import Transport
from langfuse_otel.transport.outcome import NotServed, Outcome, Refused
from langfuse_otel.wire.encoded import Encoded


class ScoreTransport(AroundTransport):
    """A transport (``transport.base``) that sends scores elsewhere. A batch holds one of the two (``delivery.batch``).

    Args:
        transport: For observations.
        scores: For observations that stand for scores.
    """

    def __init__(self, transport: Transport, scores: Transport) -> None:
        super().__init__(transport)
        self._scores = scores

    def encode(self, observation: Observation, max_bytes: int | None = None) -> Encoded:
        """Encode one for where it goes."""
        transport = self._transport if observation.score is None else self._scores
        return transport.encode(observation, max_bytes)

    def send(self, batch: Sequence[Encoded], timeout_s: float) -> Outcome:
        """Send a batch. A server that has no place for scores refuses them; the spans need not wait for that."""
        if not batch or batch[0].wire != self._scores.name:
            return self._transport.send(batch, timeout_s)
        outcome = self._scores.send(batch, timeout_s)
        if isinstance(outcome, NotServed):
            return Refused(f"this server takes no scores: {outcome.reason}", error=outcome.error)
        return outcome
