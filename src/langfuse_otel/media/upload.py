"""Which media to upload when, how often to try, and when their observations go without them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from langfuse_otel import log
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.errors import LangfuseError, RateLimitedError, is_retryable
from langfuse_otel.http import HttpClient
from langfuse_otel.media.api import MediaApi, NoMediaApiError
from langfuse_otel.media.medium import MediaKey, Medium

MAX_TRIES = 3
"""How often observations wait for a medium of theirs that cannot be uploaded, before they go without."""

ASK_AGAIN_S = 600.0
"""How long a server without media API is not asked again."""

_LONGEST_WISH_S = 30.0  # of a server that asks to wait; observations are not held back for longer at once
_GLANCE_S = 1.0  # how often to look meanwhile whether the program ends
_SLOWEST_BYTES_PER_S = 1_000_000
_MAX_REMEMBERED = 10_000
_MAX_REASON_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The server has all of them."""


@dataclass(frozen=True, slots=True)
class Later:
    """Hold their observations back and try again, after ``delay_s`` or one's own pause.

    A ``Retry-After`` is kept in here and never becomes a long delay: that would keep the observations when the program
    ends.
    """

    reason: str
    delay_s: float | None = None


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Send the observations, references in them or not, and once the server has those, write the media off."""

    media: tuple[Medium, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class NotServed:
    """The server has no media API: encode the observations again and leave their media inside, while not ``served``."""


Uploads: TypeAlias = Uploaded | Later | GivenUp | NotServed


class MediaUploader:
    """Uploads media, each once, within the time that sending spans may take. For one thread at a time.

    Args:
        client: Knows address, keys and time limits.
        on_uploaded: Called with a number of media that the server has now.
        on_lost: Called with a number of media that it will not get.
        clock: Time.
    """

    def __init__(
        self,
        client: HttpClient,
        *,
        on_uploaded: Callable[[int], None] = lambda count: None,
        on_lost: Callable[[int], None] = lambda count: None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._api = MediaApi(client, clock)
        self._client_timeout_s = client.timeout_s
        self._on_uploaded = on_uploaded
        self._on_lost = on_lost
        self._clock = clock
        self._done: dict[MediaKey, None] = {}
        self._tries: dict[MediaKey, int] = {}
        self._max_tries = MAX_TRIES  # 1 while uploads fail: if storage is broken, only the first ones are worth a wait
        self._not_served_until = float("-inf")
        self._not_before = float("-inf")  # the server's wish

    @property
    def served(self) -> bool:
        """Whether media should be taken out of observations at all: False while the server has no media API."""
        return self._clock.monotonic() >= self._not_served_until

    def upload(self, media: Iterable[Medium], timeout_s: float) -> Uploads:
        """Upload those that the server has not got from us yet.

        Takes at most half of ``timeout_s``, so that the observations can follow, and for large media as much longer as
        a line of 1 MB/s needs. With less left than a request may take (the client's own ``timeout_s``), the program is
        about to end: then it takes no longer than that half and holds nothing back. Never raises.
        """
        hurried = timeout_s < self._client_timeout_s
        pending = {medium.key: medium for medium in media if medium.key not in self._done}
        # Smallest first: one that takes all the time is not in the way of the others.
        waiting = sorted(pending.values(), key=lambda medium: len(medium.content))
        now = self._clock.monotonic()
        if waiting and now < self._not_before:
            reason = "media upload: the server asked to wait"
            broken = hurried or self._max_tries == 1
            return GivenUp(tuple(waiting), reason) if broken else Later(reason, _GLANCE_S)
        deadline = now + timeout_s / 2
        if not hurried:
            deadline += sum(len(medium.content) for medium in waiting) / _SLOWEST_BYTES_PER_S
        failed: list[tuple[Medium, LangfuseError]] = []
        for medium in waiting:
            try:
                self._api.upload(medium, deadline)
            except NoMediaApiError as error:
                return self._not_served(error)
            except LangfuseError as error:
                failed.append((medium, error))
                continue
            self._settle(medium)
            self._on_uploaded(1)
        if failed:
            return self._failed(failed, len(waiting), hurried)
        if waiting:
            self._max_tries = MAX_TRIES
        return Uploaded()

    def write_off(self, given_up: GivenUp) -> None:
        """Count media as lost: their observations are with the server, and nobody will try again."""
        for medium in given_up.media:
            self._settle(medium)
        self._on_lost(len(given_up.media))
        message = "%d media could not be uploaded and are lost, their observations are sent without: %s"
        log.limited(logging.WARNING, "media.lost", message, len(given_up.media), given_up.reason)

    def _failed(self, failed: list[tuple[Medium, LangfuseError]], asked: int, hurried: bool) -> Later | GivenUp:
        """What to do about media that could not be uploaded, out of so many asked for."""
        reason = f"media upload: {failed[0][1]}"[:_MAX_REASON_CHARACTERS]
        again = False
        for medium, error in failed:
            tries = self._tries.get(medium.key, 0) + 1
            self._remember(self._tries, medium.key, tries)
            if isinstance(error, RateLimitedError) and error.retry_after_s:
                self._not_before = self._clock.monotonic() + min(error.retry_after_s, _LONGEST_WISH_S)
            again = again or (is_retryable(error) and tries < self._max_tries)
        stuck = len(failed) == asked
        if again and not hurried:
            return Later(reason, None if stuck else 0.0)
        if stuck:
            self._max_tries = 1
        return GivenUp(tuple(medium for medium, _ in failed), reason)

    def _not_served(self, error: LangfuseError) -> NotServed:
        self._not_served_until = self._clock.monotonic() + ASK_AGAIN_S
        message = "the server has no media API, media stay in their observations: %s"
        log.limited(logging.WARNING, "media.not_served", message, error)
        return NotServed()

    def _settle(self, medium: Medium) -> None:
        """Nothing more to do for it."""
        self._tries.pop(medium.key, None)
        self._remember(self._done, medium.key, None)

    @staticmethod
    def _remember(table: dict[MediaKey, Any], key: MediaKey, value: Any) -> None:
        """At most 10,000 entries, the oldest go first. What is forgotten costs one more request."""
        if len(table) >= _MAX_REMEMBERED and key not in table:
            del table[next(iter(table))]
        table[key] = value
