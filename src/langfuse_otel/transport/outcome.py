"""What became of one request, in the words that delivery acts on; the HTTP status is already forgotten here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server has every span of the batch."""


@dataclass(frozen=True, slots=True)
class Partial:
    """The server has some of the spans. Those it has are not sent again.

    Attributes:
        retry: Positions in the batch that failed for a while only.
        refused: Position in the batch → the server's reason, for good.
        refused_unnamed: Spans that the server refused without saying which (OTLP's ``rejectedSpans``).
        reason: The server's words for those.
    """

    retry: tuple[int, ...] = ()
    refused: Mapping[int, str] = field(default_factory=dict)
    refused_unnamed: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Nothing was taken, for a while only: send the same again after ``delay_s``, or after one's own backoff."""

    reason: str
    delay_s: float | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """The request was too large: send it in halves."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The whole request was refused, although perhaps one span only is bad: find it by halves."""

    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """Something outside the spans is wrong (a key, the address): keep them, ask again now and then.

    Attributes:
        reason: What is wrong, and what to change.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class NotServed(Held):
    """The server does not serve this wire. Another wire may get through; without one, it is a ``Held`` like any."""


@dataclass(frozen=True, slots=True)
class WireChanged:
    """The transport now speaks another wire: encode the same spans again and send them."""


Outcome: TypeAlias = Accepted | Partial | RetryAfter | Split | Refused | Held | WireChanged
