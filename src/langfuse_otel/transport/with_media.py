"""Media before their observations: another transport, with the media of what it sends uploaded first."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from langfuse_otel import fork
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.media.find import take_out
from langfuse_otel.media.medium import Medium
from langfuse_otel.media.upload import GivenUp, Later, MediaUploader, NotServed
from langfuse_otel.observation import Observation
from langfuse_otel.transport.around import AroundTransport
from langfuse_otel.transport.base import Transport
from langfuse_otel.transport.outcome import Accepted, Outcome, Partial, RetryAfter, WireChanged
from langfuse_otel.wire.encoded import Encoded


class _EncodedWithMedia(Encoded):
    """An encoded observation that refers to media."""

    media: tuple[Medium, ...]


class MediaTransport(AroundTransport):
    """A transport (``transport.base``) that takes media out of observations and uploads them before it sends those.

    Args:
        transport: Encodes and sends the observations.
        uploader: Uploads their media, and decides how long they are worth waiting for.
        max_medium_bytes: Of one medium; of a larger one a note stays.
        clock: Time.
    """

    def __init__(
        self, transport: Transport, uploader: MediaUploader, max_medium_bytes: int, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        super().__init__(transport)
        self._uploader = uploader
        self._max_medium_bytes = max_medium_bytes
        self._clock = clock
        self._uploading = threading.RLock()  # the uploader is for one thread at a time
        fork.register(self)

    def after_fork_child(self) -> None:
        """A lock of the child's own."""
        self._uploading = threading.RLock()

    def encode(self, observation: Observation, max_bytes: int | None = None) -> Encoded:
        """Encode one, with references in place of its media."""
        if not self._uploader.served:
            return self._transport.encode(observation, max_bytes)
        without, media = take_out(observation, self._max_medium_bytes)
        encoded = self._transport.encode(without, max_bytes)
        if not media:
            return encoded
        with_media = _EncodedWithMedia(*encoded)
        with_media.media = media
        return with_media

    def send(self, batch: Sequence[Encoded], timeout_s: float) -> Outcome:
        """Upload the media of a batch, then send it. Large media may take longer than ``timeout_s`` (``upload``)."""
        media = [medium for item in batch if isinstance(item, _EncodedWithMedia) for medium in item.media]
        if not media:
            return self._transport.send(batch, timeout_s)
        until = self._clock.monotonic() + timeout_s
        with self._uploading:
            uploads = self._uploader.upload(media, timeout_s)
        if isinstance(uploads, Later):
            return RetryAfter(uploads.reason, uploads.delay_s)
        if isinstance(uploads, NotServed):
            return WireChanged()  # encoded again, they keep their media
        outcome = self._transport.send(batch, max(until - self._clock.monotonic(), timeout_s / 2))
        if isinstance(uploads, GivenUp) and isinstance(outcome, (Accepted, Partial)):
            with self._uploading:
                self._uploader.write_off(uploads)
        return outcome
