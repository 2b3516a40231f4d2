"""A transport (``transport.base``) around another: what it says of itself is what the inner one says."""

from __future__ import annotations

from langfuse_otel.transport.base import Transport


class AroundTransport:
    """Its subclasses encode and send.

    Args:
        transport: Whose wire and limit it has.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def name(self) -> str:
        """The inner one's wire."""
        return self._transport.name

    @property
    def max_batch_bytes(self) -> int:
        """The limit of that wire."""
        return self._transport.max_batch_bytes
