"""What became of one request, in the words that delivery acts on; the HTTP status is already forgotten here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from langfuse_otel.errors import LangfuseError


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
class Failed:
    """Nothing was taken.

    Attributes:
        reason: What went wrong, and what to change if somebody has to change something.
        error: The same as an exception, for those who want to look closer.
    """

    reason: str
    error: LangfuseError | None = field(default=None, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class RetryAfter(Failed):
    """For a while only: send the same again after ``delay_s``, or after one's own backoff."""

    delay_s: float | None = None


@dataclass(frozen=True, slots=True)
class Split(Failed):
    """The request was too large: send it in halves."""


@dataclass(frozen=True, slots=True)
class Refused(Failed):
    """The whole request was refused, although perhaps one span only is bad: find it by halves."""


@dataclass(frozen=True, slots=True)
class Held(Failed):
    """Something outside the spans is wrong (a key, the address): keep them, ask again now and then."""


@dataclass(frozen=True, slots=True)
class NotServed(Held):
    """The server does not serve this wire. Another wire may get through; without one, it is a ``Held`` like any."""


@dataclass(frozen=True, slots=True)
class WireChanged:
    """The transport now speaks another wire: encode the same spans again and send them."""


Outcome: TypeAlias = Accepted | Partial | RetryAfter | Split | Refused | Held | WireChanged
