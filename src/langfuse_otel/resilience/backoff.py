"""How long to wait before the next attempt."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

_MAX_DOUBLINGS = 62  # 2.0 ** attempt overflows a float at 1024; any real limit is reached long before


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter: a random share of a limit that doubles with each attempt.

    Full jitter, because a fleet that failed together must not come back together
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter).

    Args:
        initial_s: Longest pause after the first attempt, seconds.
        max_s: Longest pause after any, seconds.
        max_retry_after_s: Longest ``Retry-After`` that is obeyed to the letter; a longer one is cut to this.
        random: Gives numbers from 0 to below 1.
    """

    initial_s: float
    max_s: float
    max_retry_after_s: float = 300.0
    random: Callable[[], float] = field(default=random.random, repr=False)

    def pause_s(self, attempt: int, *, retry_after_s: float | None = None, left_s: float | None = None) -> float | None:
        """Seconds to wait after failed attempt number ``attempt``, counted from 0.

        Args:
            attempt: How many attempts failed before this one.
            retry_after_s: What the server asked for. It wins; up to ``initial_s`` is added, to spread a fleet.
            left_s: Time until the deadline.

        Returns:
            The pause, or None when it would use up the time that is left: then give up now.
        """
        if retry_after_s is not None:
            pause_s = min(retry_after_s, self.max_retry_after_s) + self.random() * self.initial_s
        else:
            pause_s = self.random() * min(self.max_s, self.initial_s * 2.0 ** min(attempt, _MAX_DOUBLINGS))
        return None if left_s is not None and pause_s >= left_s else pause_s
