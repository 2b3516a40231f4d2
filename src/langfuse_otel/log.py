"""What we tell the application's operator: little, without secrets, and never twice a minute.

All records go to the logger ``langfuse_otel`` (a child of the root logger, with no handler of ours).
"""

from __future__ import annotations

import logging
import threading

from langfuse_otel import fork
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.redact import redact

logger = logging.getLogger("langfuse_otel")

_MAX_KEYS = 1_000


class RateLimit:
    """Lets one message a key pass in ``every_s`` seconds and says how many it held back.

    Remembers at most 1,000 keys; past that it forgets them all, so a message may come early but memory stays bounded.
    """

    def __init__(self, every_s: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._every_s = every_s
        self._clock = clock
        self._last: dict[str, tuple[float, int]] = {}
        self._lock = threading.RLock()
        fork.register(self)

    def after_fork_child(self) -> None:
        """A lock of the child's own: the inherited one may be held by a thread that is not here."""
        self._lock = threading.RLock()

    def admit(self, key: str) -> int | None:
        """The number of messages held back since the last one, or None when this one is to be held back too."""
        now = self._clock.monotonic()
        with self._lock:
            last = self._last.get(key)
            if last is not None and now - last[0] < self._every_s:
                self._last[key] = (last[0], last[1] + 1)
                return None
            if len(self._last) >= _MAX_KEYS:
                self._last.clear()
            self._last[key] = (now, 0)
            return last[1] if last is not None else 0


_once = RateLimit(float("inf"))
_minute = RateLimit(60.0)


def once(level: int, key: str, message: str, *args: object) -> None:
    """Log one line a process and ``key``."""
    if _once.admit(key) is not None:
        _emit(level, message, args)


def limited(level: int, key: str, message: str, *args: object) -> None:
    """Log at most one line a minute and ``key``; it says how many like it were held back."""
    held_back = _minute.admit(key)
    if held_back is None:
        return
    _emit(level, message + (f" ({held_back} more like this)" if held_back else ""), args)


def _emit(level: int, message: str, args: tuple[object, ...]) -> None:
    try:
        text = redact(message % args if args else message)
    except Exception as error:  # an argument whose __str__ raises must not reach the application
        text = f"{message} [not formatted: {type(error).__name__}]"
    logger.log(level, "%s", text)
