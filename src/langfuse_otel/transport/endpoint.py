"""One wire at one server: encodes for it, sends to it, and judges its answers by its rules."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence

from langfuse_otel.errors import ConnectionFailedError, MalformedResponseError, TimedOutError
from langfuse_otel.http import Answer, HttpClient
from langfuse_otel.observation import Observation
from langfuse_otel.transport.outcome import Outcome, RetryAfter
from langfuse_otel.wire.encoded import Encoded, Wire
from langfuse_otel.wire.limits import truncate_observation

Judge = Callable[[Answer, Sequence[Encoded]], Outcome]
"""What an answer means for the batch that was sent."""

_FASTEST = 1  # level 6 takes three times the CPU of level 1 and saves a sixth of the bytes


class Endpoint:
    """A transport (``transport.base``) over one wire.

    Args:
        client: Knows address, keys and time limits.
        wire: Encodes and frames.
        judge: Turns the server's answer into an outcome.
        compress: Whether to gzip requests.
    """

    def __init__(self, client: HttpClient, wire: Wire, judge: Judge, *, compress: bool) -> None:
        self._client = client
        self._wire = wire
        self._judge = judge
        self._compress = compress

    @property
    def name(self) -> str:
        """The wire's name."""
        return self._wire.name

    @property
    def max_batch_bytes(self) -> int:
        """The wire's limit."""
        return self._wire.max_batch_bytes

    def encode(self, observation: Observation, max_bytes: int | None = None) -> Encoded:
        """Encode one observation for the wire."""
        encoded = self._wire.encode(observation)
        if max_bytes is None or len(encoded.body) <= max_bytes:
            return encoded
        body = truncate_observation(observation, lambda cut: self._wire.encode(cut).body, max_bytes)
        return encoded._replace(body=body)

    def send(self, batch: Sequence[Encoded], timeout_s: float) -> Outcome:
        """Send a batch. No answer, or one that is no HTTP, is an outcome to retry: sending a span twice is safe."""
        body = self._wire.frame(batch)
        try:
            answer = self._client.send(
                "POST",
                self._wire.path,
                body=gzip.compress(body, _FASTEST, mtime=0) if self._compress else body,
                content_type=self._wire.content_type,
                content_encoding="gzip" if self._compress else None,
                headers=self._wire.headers,
                timeout_s=timeout_s,
            )
        except ConnectionFailedError as error:
            return RetryAfter(f"{error}; check LANGFUSE_BASE_URL and the network", error=error)
        except (TimedOutError, MalformedResponseError) as error:
            return RetryAfter(str(error), error=error)
        return self._judge(answer, batch)
